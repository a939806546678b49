"""Facts that stand verbatim in a text become slots: "Harbor Kettle is $39.00." becomes "{NAME} {IS} {PRICE}."."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec import Struct

from inference.generate.grammar import is_plural
from inference.generate.render import render
from inference.generate.slots import GRAMMAR, REQUIRED, SLOT, SLOTS

# Only a verb that stands right behind the name surely belongs to it; "it" and "they" may mean something else.
_VERBS = ("IS", "HAS", "DOES")
# A bare number or letter may mean anything ("4 colours", "M"), so what stands beside it has to say what it is.
_BARE = re.compile(r"\d+(?:[.,]\d+)?|[A-Za-z]{1,3}")
_BESIDE = {
    "SIZE": (r"(?<=[Ss]ize )", r""),
    "RATING": (r"", r"(?=\s?(?:★|stars?\b|/\s?5|out of (?:5|five)\b))"),
}
# No word, number or hyphenated word goes on at either side.
_LEFT, _RIGHT = r"(?<![\w-])(?<!\d[.,])", r"(?![\w]|-\w|[.,]\d)"


class Slotted(Struct, frozen=True):
    """A text in slot form, and how often each slot was put in."""

    text: str
    counts: Mapping[str, int]


def slotted(text: str, facts: Mapping[str, str]) -> Slotted:
    """A text with its facts as slots: the longest value first, whole words, case as rendering would write it.

    `facts` are slot values (`inference.decide.facts.slot_values`). The words that agree with the name (is, has, does)
    become slots where they follow it in its number.
    """
    counts: Counter[str] = Counter()
    for variant, slot in sorted(_variants(facts), key=lambda pair: (-len(pair[0]), SLOTS.index(pair[1]), pair[0])):
        pieces = SLOT.split(text)
        for place in range(0, len(pieces), 2):
            pieces[place], found = _pattern(variant, slot).subn(f"{{{slot}}}", pieces[place])
            counts[slot] += found
        text = "".join(piece if place % 2 == 0 else f"{{{piece}}}" for place, piece in enumerate(pieces))
    several = is_plural(facts.get(REQUIRED, ""))
    for slot in _VERBS:
        text, found = re.subn(rf"(\{{{REQUIRED}\}}) {GRAMMAR[slot][several]}(?!\w|['’])", rf"\1 {{{slot}}}", text)
        counts[slot] += found
    return Slotted(text, {slot: count for slot, count in counts.items() if count})


def _variants(facts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """How a fact's value may be written: as it is, inside a sentence, at its beginning, a price without its zeros."""
    for slot in SLOTS:
        value = facts.get(slot)
        if value:
            written = {value, (render(("in ", slot, ""), facts) or "")[3:], render(("", slot, ""), facts) or value}
            if slot == "PRICE":
                written |= {re.sub(r"[.,]00(?!\d)", "", each) for each in written}
            yield from ((each, slot) for each in written)


def _pattern(variant: str, slot: str) -> re.Pattern[str]:
    before, after = _BESIDE.get(slot, ("", "")) if _BARE.fullmatch(variant) else ("", "")
    return re.compile(rf"{_LEFT}{before}{re.escape(variant)}{_RIGHT}{after}")
