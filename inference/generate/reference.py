"""The in-context reference: an approved text for a similar product, for a prompt in words to show.

A reference is shown in slot form. One that states a fact outside its slots would have it copied into a text about
another product, so it is refused.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from inference.generate.render import slots_in
from inference.generate.slots import GRAMMAR, SLOT, SLOTS, offered
from schemas.ports import TextRequest

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)

NEIGHBOURS = 5
"""Of how many similar products texts are looked at. Farther ones have less and less to do with the product."""

# What kind of thing a product is, is no claim about it, and the word for it is too common to be looked for.
_COMMON = frozenset({"CATEGORY"})
# Shorter values ("M", "42") stand in other words' company too often to be compared without case.
_SHORT = 2
_DIGIT = re.compile(r"\d")
_GAP = " \x00 "
# A click rate is shrunk towards a guess, by so many impressions: ten clicks of ten are luck, of a thousand not.
_USUAL_RATE, _PRIOR_IMPRESSIONS = 0.03, 100


class Embedder(Protocol[V_co]):
    """What turns texts into vectors."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> Sequence[V_co]:
        """One vector a text, in their order."""
        ...


class Approved(Struct, frozen=True, kw_only=True):
    """A text that somebody approved, in slot form, with the product that it was written for."""

    product_id: str
    category: str
    facts: Mapping[str, str]
    slot_text: str
    segment: str
    tone: str
    channel: str
    impressions: int = 0
    clicks: int = 0


class Choice(Struct, frozen=True):
    """A reference, or None, and each text that would have come before it with the reason why it was refused."""

    text: str | None
    product_id: str | None
    refused: tuple[tuple[str, str], ...]


class References(Generic[V]):
    """Approved texts by product, each product embedded once. `likeness` of two vectors is higher the more alike."""

    def __init__(self, approved: Iterable[Approved], embedder: Embedder[V], likeness: Callable[[V, V], float]) -> None:
        self._texts: dict[str, list[Approved]] = {}
        for each in approved:
            self._texts.setdefault(each.product_id, []).append(each)
        described = [described_by(texts[0].category, texts[0].facts) for texts in self._texts.values()]
        self._embedder, self._likeness = embedder, likeness
        self._vectors = dict(zip(self._texts, embedder.embed(described), strict=True))

    def choose(self, request: TextRequest, *, neighbours: int = NEIGHBOURS) -> Choice:
        """The best text of the `neighbours` most similar other products, for the channel and with slots on offer.

        Best is: for the same segment, in the same tone, with the higher click rate, of the more similar product; in
        this order. Texts without impressions count as usual ones.
        """
        (target,) = self._embedder.embed([described_by(request.category, request.facts)])
        near = sorted(
            ((self._likeness(target, vector), name) for name, vector in self._vectors.items()),
            key=lambda pair: (-pair[0], pair[1]),
        )
        others = [pair for pair in near if pair[1] != request.product_id and pair[0] > 0][:neighbours]
        may = offered(request.facts, request.max_chars) | GRAMMAR.keys()
        asked = [
            (text.segment == request.segment, text.tone == request.tone, rate(text), like, text)
            for like, name in others
            for text in self._texts[name]
            if text.channel == request.channel and slots_in(text.slot_text) <= may
        ]
        refused: list[tuple[str, str]] = []
        for *_, text in sorted(asked, key=lambda each: (*[-part for part in each[:4]], each[4].slot_text)):
            reason = leak(text.slot_text, text.facts, request.facts)
            if reason is None:
                return Choice(text.slot_text, text.product_id, tuple(refused))
            refused.append((text.slot_text, reason))
        return Choice(None, None, tuple(refused))


def described_by(category: str, facts: Mapping[str, str]) -> str:
    """What a product is compared by: its category and the facts that say what it is, not what it costs."""
    kept = ("NAME", "MATERIAL", "FEATURE", "FEATURE2")
    return " ".join([category, *(facts[slot] for slot in kept if slot in facts)])


def rate(text: Approved) -> float:
    """Clicks by impressions, shrunk towards a usual rate (a beta prior's mean)."""
    return (text.clicks + _USUAL_RATE * _PRIOR_IMPRESSIONS) / (text.impressions + _PRIOR_IMPRESSIONS)


def leak(slot_text: str, *facts: Mapping[str, str]) -> str | None:
    """The first fact that a text states outside its slots, as `SLOT: value`, or a number of whatever kind; or None.

    `facts` are those of the products that it must not give away: its own, and the one it is to be shown for.
    """
    literal = SLOT.sub(_GAP, slot_text)
    number = _DIGIT.search(literal)
    if number is not None:
        return f"number: {literal[number.start() :].split()[0]}"
    for slot in SLOTS:
        for values in facts:
            value = values.get(slot)
            if value and slot not in _COMMON and states(literal, value):
                return f"{slot}: {value}"
    return None


def states(literal: str, value: str) -> bool:
    """Whether a value stands in a text as words of its own, whatever their case."""
    words = r"\s+".join(map(re.escape, value.split()))
    flags = re.NOFLAG if len(value) <= _SHORT else re.IGNORECASE
    return re.search(rf"(?<!\w){words}(?!\w)", literal, flags) is not None
