"""Training pairs: each line of the corpus under the conditions that a prompt can state.

A pair is a prompt (the same tokens that serving makes of a request) and a line that keeps to it: only facts on offer,
its tone, call to action, channel and length, and the room beside a name of some length. What a line leaves open is
drawn: the segment of a line for `any`, the facts that it does not need, how long they are.
"""

import random
import tomllib
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from inference.bundle.generation import Controls
from inference.generate.channels import HEADLINES, LIMITS
from inference.generate.prompt import ANY, prompt_tokens
from inference.generate.slots import GRAMMAR, REQUIRED, SLOT, offered
from inference.text.sentiment import sentiment
from schemas.ports import TextRequest
from training.lines import FOLDER, Line, read_lines

HELD_CATEGORIES = ("automotive", "instruments")
HELD_PAIRS = frozenset(
    {
        ("lapsed", "expert"),
        ("big_spender", "playful"),
        ("bargain_hunter", "warm"),
        ("new", "bold"),
        ("loyal", "plain"),
        ("regular", "expert"),
    }
)
"""What no training run has seen: two categories, and six pairs of segment and tone. Held out before the first run."""

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
_BARE_PRODUCTS, _BARE_FACTS = 0.4, 0.4
# A line for everybody is learned under `any` and, as often, under a segment; a line for every category mostly under
# `any`, so that a category's own lines prevail where it has some.
_AS_ANY_SEGMENT, _AS_ANY_CATEGORY = 0.5, 0.7
_AS_ANY_SENTIMENT = 0.5
# Where a line of one channel may stand too, if it fits; and how often it is learned there.
_ALSO = {
    "push": ("ad_description", "banner", "sms"),
    "ad_description": ("push", "banner"),
    "sms": ("push",),
    "ad_headline": ("push_title",),
    "email_subject": ("banner",),
}
_ELSEWHERE = 0.2
_LEAST_SMS = 60
_ATTEMPTS = 30


class Pair(Struct, frozen=True):
    """A prompt, the text that answers it, and the request behind both."""

    prompt: tuple[str, ...]
    text: str
    request: TextRequest


def load_controls() -> Controls:
    """The words of a prompt, from `corpus/controls.toml`."""
    return msgspec.convert(tomllib.loads((FOLDER / "controls.toml").read_text("utf-8")), Controls)


def load_lines(folder: Path = FOLDER / "lines") -> list[Line]:
    """Every line of the corpus, in the order of its files."""
    return [line for path in sorted(folder.glob("*.txt")) for line in read_lines(path)[0]]


def is_held_out(line: Line) -> bool:
    """Whether a line is kept from training."""
    return line.category in HELD_CATEGORIES or (line.segment, line.tone) in HELD_PAIRS


def pairs(lines: Sequence[Line], controls: Controls, seed: int) -> Iterator[Pair]:
    """A pair for each line that is trained on, in a drawn order; the same for the same seed."""
    rng = random.Random(seed)
    order = [line for line in lines if not is_held_out(line)]
    rng.shuffle(order)
    for line in order:
        pair = pair_of(line, controls, rng)
        if pair is not None:
            yield pair


def pair_of(line: Line, controls: Controls, rng: random.Random) -> Pair | None:
    """A line under drawn conditions, or None where a few draws found none that it keeps to."""
    for _ in range(_ATTEMPTS):
        request = _drawn(line, controls, rng)
        if (request.segment, request.tone) in HELD_PAIRS and not is_held_out(line):
            continue
        needed = {slot for slot in SLOT.findall(line.text) if slot not in GRAMMAR}
        if needed <= offered(request.facts, request.max_chars) and _width(line, request) <= request.max_chars:
            return Pair(prompt_tokens(request, controls), line.text, request)
    return None


def _drawn(line: Line, controls: Controls, rng: random.Random) -> TextRequest:
    channel = line.channel
    if rng.random() < _ELSEWHERE and (others := _ALSO.get(line.channel)):
        other = rng.choice(others)
        if other != "sms" or len(line.text) >= _LEAST_SMS:
            channel = other
    limit = LIMITS[channel]
    needed = set(SLOT.findall(line.text))
    facts = {REQUIRED: "x" * _name_length(limit, rng)}
    left = _BARE_FACTS if rng.random() < _BARE_PRODUCTS else 1.0
    for slot, (share, least, most) in _FACTS.items():
        known = share if slot == "PRICE" else share * left
        if slot in needed or (rng.random() < known and (slot != "FEATURE2" or "FEATURE" in facts)):
            facts[slot] = "x" * rng.randint(least, most)
    segments = [segment for segment in controls.segments if segment != ANY]
    segment = line.segment
    if segment == ANY and rng.random() > _AS_ANY_SEGMENT:
        segment = rng.choice(segments)
    category = line.category
    if category == ANY and rng.random() > _AS_ANY_CATEGORY:
        category = rng.choice([name for name in controls.categories if name != ANY])
    width = len(SLOT.sub("", line.text)) + sum(len(facts.get(slot, "x")) for slot in needed)
    return TextRequest(
        product_id="corpus",
        category=(controls.categories.get(category) or (ANY,))[0],
        segment=segment,
        variant="corpus",
        tone=line.tone,
        cta=line.cta,
        length=rng.choice(controls.lengths) if channel in HEADLINES else length_of(width, limit),
        channel=channel,
        locale="en",
        facts=facts,
        seed=0,
        max_chars=limit,
        sentiment=ANY if rng.random() < _AS_ANY_SENTIMENT else sentiment(line.text),
    )


def length_of(width: int, limit: int) -> str:
    """What a text of so many characters is called where so many fit."""
    return "short" if width <= 0.6 * limit else "medium"


def _width(line: Line, request: TextRequest) -> int:
    slots = SLOT.findall(line.text)
    filled = sum(
        max(map(len, GRAMMAR[slot])) if slot in GRAMMAR else len(request.facts.get(slot, "")) for slot in slots
    )
    return len(SLOT.sub("", line.text)) + filled


def _name_length(limit: int, rng: random.Random) -> int:
    """Most names are as long as names are (half of them between 21 and 36 characters), the others leave any room."""
    if rng.random() < 0.7 or limit <= 40:
        return round(min(70, max(6, rng.lognormvariate(3.2, 0.4))))
    return max(1, min(90, limit - rng.randint(24, limit - 6)))


def fingerprint(lines: Sequence[Line]) -> str:
    """What a corpus is, in 16 hex digits: any change of any line changes it."""
    hashed = blake2b(digest_size=8)
    for line in lines:
        hashed.update("|".join((line.category, line.segment, line.tone, line.cta, line.channel, line.text)).encode())
    return hashed.hexdigest()
