"""Training pairs: the sentence bank in `corpus/`, combined under the conditions that a prompt can state.

A pair is a prompt (the same tokens that serving makes of a request) and a text that keeps to it: only the slots on
offer, the tone, the call to action, the length, and the room beside a name of some length. Every text passes the
checks that written copy has to pass.
"""

import random
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from inference.bundle.generation import Controls
from inference.generate.checks import codes
from inference.generate.prompt import ANY, prompt_id, prompt_tokens
from inference.generate.render import slots_in
from schemas.ports import TextRequest

FOLDER = Path(__file__).parent / "corpus"
NO_CTA = "none"

# How often a product has each fact, and how long it is in characters (least, most): guesses at a mixed shop. What
# matters is that every combination is seen, not that the shares are right.
_FACTS: dict[str, tuple[float, int, int]] = {
    "BRAND": (0.6, 4, 14),
    "PRICE": (0.95, 5, 9),
    "OFF": (0.35, 2, 3),
    "CATEGORY": (0.9, 5, 20),
    "COLOR": (0.5, 3, 14),
    "MATERIAL": (0.5, 4, 18),
    "SIZE": (0.35, 1, 10),
    "FEATURE": (0.6, 8, 38),
    "FEATURE2": (0.45, 8, 38),
    "RATING": (0.4, 1, 3),
}
# Many a product has a name, a price and little else, and what fits these has to be learned too: the share of such
# products, and what is left of the shares above.
_BARE_PRODUCTS = 0.4
_BARE_FACTS = 0.4
_LIMITS = (120, 120, 120, 120, 160, 90)
_ATTEMPTS = 40
# One prompt in twenty is never trained on, so that the evaluation meets combinations the model has not seen.
_HELD_OUT = 20


class Bank(Struct, frozen=True):
    """The sentences by role. Keys: (segment, tone), (category, tone), tone, tone, (cta, tone)."""

    by_segment: dict[tuple[str, str], tuple[str, ...]]
    by_category: dict[tuple[str, str], tuple[str, ...]]
    facts: dict[str, tuple[str, ...]]
    support: dict[str, tuple[str, ...]]
    closers: dict[tuple[str, str], tuple[str, ...]]

    def openings(self) -> list[str]:
        return [text for group in (self.by_segment, self.by_category) for texts in group.values() for text in texts]

    def others(self) -> list[str]:
        groups: tuple[dict[str, tuple[str, ...]], ...] = (self.facts, self.support)
        plain = [text for group in groups for texts in group.values() for text in texts]
        return plain + [text for texts in self.closers.values() for text in texts]


class Pair(Struct, frozen=True):
    """A prompt, the text that answers it, and the request behind both."""

    prompt: tuple[str, ...]
    text: str
    request: TextRequest


def load_controls() -> Controls:
    """The words of a prompt, from `corpus/controls.toml`."""
    return msgspec.convert(_toml("controls"), Controls)


def load_bank() -> Bank:
    """Every sentence. `any` closers are spread over all tones."""
    facts = _toml("facts")
    closers = {
        (cta, tone): tuple(by_tone[ANY] + by_tone[tone])
        for cta, by_tone in _toml("closers").items()
        for tone in by_tone
        if tone != ANY
    }
    return Bank(
        by_segment=_by_tone(_toml("neutral")),
        by_category=_by_tone(_toml("categories")),
        facts={tone: tuple(texts) for tone, texts in facts["facts"].items()},
        support={tone: tuple(texts) for tone, texts in facts["support"].items()},
        closers=closers,
    )


def pairs(seed: int, count: int, *, held_out: bool = False) -> Iterator[Pair]:
    """`count` pairs, the same for the same seed: of the trained prompts, or of the held-out ones."""
    bank, controls, rng = load_bank(), load_controls(), random.Random(seed)
    made = 0
    while made < count:
        request = draw_request(rng, controls)
        prompt = prompt_tokens(request, controls)
        if is_held_out(prompt) != held_out:
            continue
        text = compose(bank, request, prompt, rng)
        if text is not None:
            made += 1
            yield Pair(prompt, text, request)


def is_held_out(prompt: tuple[str, ...]) -> bool:
    """Whether a prompt is kept from training: a property of the prompt alone."""
    return int(prompt_id(prompt)[:8], 16) % _HELD_OUT == 0


def draw_request(rng: random.Random, controls: Controls) -> TextRequest:
    """A request for a product that does not exist: its facts have lengths and no content."""
    limit = rng.choice(_LIMITS)
    facts = {"NAME": "x" * _name_length(limit, rng)}
    left = _BARE_FACTS if rng.random() < _BARE_PRODUCTS else 1.0
    for slot, (share, least, most) in _FACTS.items():
        known = share if slot == "PRICE" else share * left
        if rng.random() < known and (slot != "FEATURE2" or "FEATURE" in facts):
            facts[slot] = "x" * rng.randint(least, most)
    categories = list(controls.categories)
    word = rng.choice(categories) if rng.random() < 0.75 else ANY
    segment = rng.choice(controls.segments)
    return TextRequest(
        product_id="corpus",
        category=(controls.categories[word] or (ANY,))[0],
        segment=segment,
        variant="corpus",
        tone=rng.choice(controls.tones),
        cta=rng.choice(controls.ctas),
        length=rng.choice(controls.lengths),
        channel="push",
        locale="en",
        facts=facts,
        seed=0,
        max_chars=limit,
    )


def compose(bank: Bank, request: TextRequest, prompt: tuple[str, ...], rng: random.Random) -> str | None:
    """A text for a request, or None where none of a few tries fits."""
    offered = {token[1:-1] for token in prompt if token.startswith("{")}
    category = next(token[10:-1] for token in prompt if token.startswith("<category:"))
    for attempt in range(_ATTEMPTS):
        sentences = [_opening(bank, request, category, rng)]
        # Where a second sentence does not fit, the later tries go without.
        if request.length == "medium" and attempt < _ATTEMPTS // 2:
            told = _fitting(bank.facts[request.tone], offered, sentences)
            sentences.append(rng.choice(told if told and rng.random() < 0.85 else bank.support[request.tone]))
        if request.cta != NO_CTA:
            sentences.append(rng.choice(_fitting(bank.closers[request.cta, request.tone], offered, sentences)))
        text = " ".join(sentences)
        if slots_in(text) <= offered and not codes(text, request):
            return text
    return None


def _fitting(texts: Sequence[str], offered: set[str], before: Sequence[str]) -> list[str]:
    """The sentences whose slots are on offer and not used yet."""
    left = offered - slots_in(" ".join(before))
    return [text for text in texts if slots_in(text) <= left]


def _opening(bank: Bank, request: TextRequest, category: str, rng: random.Random) -> str:
    known: list[Sequence[str]] = []
    if request.segment != ANY:
        known.append(bank.by_segment[request.segment, request.tone])
    if category != ANY:
        known.append(bank.by_category[category, request.tone])
    # An opening for everybody now and then, so that a known segment or category is no cage.
    if not known or rng.random() < 0.15:
        known = [bank.by_segment[ANY, request.tone]]
    return rng.choice(rng.choice(known))


def _name_length(limit: int, rng: random.Random) -> int:
    """Half the names are as long as names are (half of them between 21 and 36 characters), half leave any room."""
    if rng.random() < 0.5:
        return round(min(70, max(6, rng.lognormvariate(3.3, 0.4))))
    return max(1, limit - rng.randint(24, limit - 6))


def _toml(name: str) -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))


def _by_tone(groups: dict[str, dict[str, list[str]]]) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(group, tone): tuple(texts) for group, by_tone in groups.items() for tone, texts in by_tone.items()}
