"""The prompt: a request as control words, each a token of its own. No text of the shop's enters the model."""

import re
from collections.abc import Mapping
from hashlib import blake2b

from inference.bundle.generation import Controls
from inference.generate.slots import REQUIRED, SLOTS, offered
from schemas.ports import TextRequest

ANY = "any"
"""The word for a segment or category that the model has not seen: it writes what fits everyone."""

_WORD = re.compile(r"[a-z]+")
_SEPARATORS = re.compile(r"[\s_-]+")


def prompt_tokens(request: TextRequest, controls: Controls) -> tuple[str, ...]:
    """The prompt of a request, without the markers of beginning and end.

    A slot that is not on offer is said to be missing, at its own place: what is not there is hard to notice for a small
    model, and one that was only told what is there wanted missing facts more often.

    A tone, call to action or length that the bundle does not know becomes its first one; `patter check` tells a
    user before it comes to that.
    """
    slots = offered(request.facts, request.max_chars)
    return (
        f"<segment:{_known(request.segment, controls.segments)}>",
        f"<tone:{request.tone if request.tone in controls.tones else controls.tones[0]}>",
        f"<cta:{request.cta if request.cta in controls.ctas else controls.ctas[0]}>",
        f"<length:{request.length if request.length in controls.lengths else controls.lengths[0]}>",
        f"<channel:{request.channel if request.channel in controls.channels else controls.channels[0]}>",
        f"<sentiment:{request.sentiment if request.sentiment in controls.sentiments else ANY}>",
        f"<category:{category_word(request.category, controls.categories)}>",
        f"<room:{room(request.facts, request.max_chars, controls.rooms)}>",
        *(f"{{{slot}}}" if slot in slots else f"<no:{slot}>" for slot in SLOTS),
        "<copy>",
    )


LENGTH = 9 + len(SLOTS)
"""How many tokens a prompt has."""


def prompt_id(tokens: tuple[str, ...]) -> str:
    """A prompt's name: 128 bits of BLAKE2b over its tokens, in hex."""
    return blake2b("\x1f".join(tokens).encode(), digest_size=16).hexdigest()


def all_tokens(controls: Controls) -> tuple[str, ...]:
    """Every control word that a prompt may hold, in a fixed order; slots are not among them."""
    kinds: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("segment", controls.segments),
        ("tone", controls.tones),
        ("cta", controls.ctas),
        ("length", controls.lengths),
        ("channel", controls.channels),
        ("sentiment", controls.sentiments),
        ("category", tuple(controls.categories)),
        ("room", tuple(str(place) for place in range(len(controls.rooms) + 1))),
        ("no", SLOTS),
    )
    return (*(f"<{kind}:{word}>" for kind, words in kinds for word in words), "<copy>")


def category_word(category: str, known: Mapping[str, tuple[str, ...]]) -> str:
    """The model's word for a shop's category ("Women's Running Shoes" -> footwear), or `any`.

    The last word of a category that is recognised decides, since in English it is the noun.
    """
    for word in reversed(_WORD.findall(category.lower())):
        for name, keywords in known.items():
            if word in keywords or word.removesuffix("s") in keywords or word.removesuffix("es") in keywords:
                return name
    return ANY


def room(facts: Mapping[str, str], max_chars: int, rooms: tuple[int, ...]) -> int:
    """How much a text can say beside the product's name: the place of the first bound that holds it."""
    left = max_chars - len(facts.get(REQUIRED, ""))
    return next((place for place, bound in enumerate(rooms) if left <= bound), len(rooms))


def _known(segment: str, segments: tuple[str, ...]) -> str:
    folded = _SEPARATORS.sub("_", segment.strip().lower())
    return folded if folded in segments else ANY
