"""Words that agree with a product: whether its name stands for one thing or several, and what follows from that."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from inference.generate.slots import GRAMMAR, REQUIRED

# What follows one of these says more about the thing and is not the thing: "Set of Glasses", "Boots for Kids".
_AFTER = re.compile(r"\s+(?:for|with|without|of|by|in|from|and more|to|on)\s|\s*[,;:(\[|/–—]|\s-\s", re.I)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9'’&-]*")
# "X2", "OG", "3000", "Pro": a model's code behind the thing.
_CODE = re.compile(r".*\d|[A-Z&]{1,4}$|(?i:pro|max|mini|plus|lite|ultra|air)$")


def with_grammar(facts: Mapping[str, str]) -> dict[str, str]:
    """Facts as slot values, and the words that agree with the one called NAME."""
    several = is_plural(facts.get(REQUIRED, ""))
    return {**{slot: forms[several] for slot, forms in GRAMMAR.items()}, **facts}


def is_plural(name: str) -> bool:
    """Whether a product's name stands for several things, by its last word before any addition.

    English marks number at the end of the noun; words that only look plural, and plurals that do not, stand in
    `lexicons/number.txt`. A name in doubt is one thing.
    """
    head = _AFTER.split(name, maxsplit=1)[0] or name
    words: list[str] = _WORD.findall(head)
    if not words:
        return False
    while len(words) > 1 and _CODE.match(words[-1]):
        words.pop()
    last = words[-1].lower().strip("'’")
    singular, plural = _lists()
    if last in plural:
        return True
    if last in singular or last.endswith(("ss", "us", "is", "'s", "’s", "ous")):
        return False
    return len(last) > 3 and last.endswith("s") and not words[-1].isupper()


@cache
def _lists() -> tuple[frozenset[str], frozenset[str]]:
    """Words that stand for one thing whatever their ending, and words that stand for several."""
    text = files("inference.generate").joinpath("lexicons", "number.txt").read_text("utf-8")
    found: dict[str, set[str]] = {"one": set(), "several": set()}
    for line in text.splitlines():
        kind, _, words = line.partition(":")
        if kind in found:
            found[kind].update(words.split())
    return frozenset(found["one"]), frozenset(found["several"])
