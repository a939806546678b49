"""Which sets of copy are asked for: the segments, tones, calls and channels of a run, for every product."""

from collections.abc import Sequence

from msgspec import Struct

from inference.bundle.generation import Controls
from inference.generate.channels import HEADLINES, LIMITS
from inference.generate.copyset import Ask
from inference.generate.prompt import ANY
from schemas.catalog import Product
from schemas.errors import Code, ConfigError

TONES = {
    "new": "warm",
    "regular": "plain",
    "loyal": "warm",
    "big_spender": "expert",
    "bargain_hunter": "bold",
    "lapsed": "playful",
    ANY: "plain",
}
"""The tone that a segment is spoken to in where none is asked for. One that is not listed is spoken to as `any`."""

_CTAS = {"new": "discover", "big_spender": "discover", "bargain_hunter": "save", "lapsed": "discover"}
_USUAL_CTA = "shop"


class Wanted(Struct, frozen=True, kw_only=True):
    """What the user asked for; None and empty stand for the defaults."""

    segments: tuple[str, ...] = ()
    tone: str | None = None
    cta: str | None = None
    channel: str = "push"
    sentiment: str = ANY


class Plan(Struct, frozen=True, kw_only=True):
    """(segment, tone, cta) of every set that a product gets, their channel, and the segments the model has not seen."""

    sets: tuple[tuple[str, str, str], ...]
    channel: str
    sentiment: str
    unseen: tuple[str, ...]

    def asks(self, products: Sequence[Product]) -> list[Ask]:
        """Every set for each product, product by product."""
        return [
            Ask(product=product, segment=segment, tone=tone, cta=cta, channel=self.channel, sentiment=self.sentiment)
            for product in products
            for segment, tone, cta in self.sets
        ]


def plan_of(wanted: Wanted, controls: Controls) -> Plan:
    """The plan for what was asked, in the words that a bundle knows.

    Raises ConfigError (usage) where a channel does not exist or the bundle does not know a tone, a call or a sentiment.
    A segment may be of the shop's own: one that the model has not seen is written for as `any`.
    """
    for value, known, flag in (
        (wanted.channel, tuple(LIMITS), "--channel"),
        (wanted.tone, controls.tones, "--tone"),
        (wanted.cta, controls.ctas, "--cta"),
        (wanted.sentiment, controls.sentiments, "--sentiment"),
    ):
        if value is not None and value not in known:
            raise ConfigError(Code.USAGE, f"{value!r} is not known", where=flag, hint=f"there are {', '.join(known)}")
    segments = tuple(dict.fromkeys(wanted.segments)) or tuple(TONES)
    return Plan(
        sets=tuple(
            (segment, wanted.tone or _tone(segment), wanted.cta or _cta(segment, wanted)) for segment in segments
        ),
        channel=wanted.channel,
        sentiment=wanted.sentiment,
        unseen=tuple(segment for segment in segments if segment not in controls.segments),
    )


def _tone(segment: str) -> str:
    return TONES.get(segment, TONES[ANY])


def _cta(segment: str, wanted: Wanted) -> str:
    # In a headline's few characters a call takes the room of the message.
    if wanted.channel in HEADLINES and wanted.channel != "banner":
        return "none"
    return _CTAS.get(segment, _USUAL_CTA)
