"""Filling slots: a text is compiled once and rendered for every decision."""

import re
from collections.abc import Mapping
from functools import cache

from inference.generate.lexicon import words_of
from inference.generate.slots import GRAMMAR, SLOT

Parts = tuple[str, ...]
"""A compiled text: literals at even places, slot names at odd ones."""

_ENDED = re.compile(r"(?:^|[.!?]['\")]?\s)$")
_ARTICLE = re.compile(r"(?<![A-Za-z])([Aa])n? $")
# Written with a vowel and spoken with a consonant, and the other way round.
_CONSONANT = re.compile(
    r"(?:uni(?!m|n[^i])|use|usu|u[bkrst][aeiou]|eu|one|once|ouija|u(?:sb?|sa|v|hd|k)(?![a-z]))", re.I
)
_VOWEL = re.compile(r"(?:hour|honest|honor|heir|8|11(?!\d)|18(?!\d))", re.I)
# Beside a plain colour or material in a shop's own words.
_BESIDE = frozenset({"and", "light", "dark", "deep", "pale", "solid", "matte", "pure", "brushed", "full-grain", "faux"})
_SPELLED = re.compile(r"[AEFHILMNORSX](?:[A-Z0-9-]|$)")


def compile_text(slot_text: str) -> Parts:
    """Cut a text at its slots. `"Meet {NAME}."` becomes `("Meet ", "NAME", ".")`."""
    return tuple(SLOT.split(slot_text))


def render(parts: Parts, values: Mapping[str, str]) -> str | None:
    """The text with its slots filled, or None where a slot has no value.

    A value that begins a sentence begins with a capital, a colour or material inside one without; "a" before a value
    becomes "an" where it is spoken so.
    """
    out = list(parts)
    for place in range(1, len(out), 2):
        value = values.get(out[place])
        # Only a word that agrees may be nothing at all: the ending of a verb.
        if value is None or not (value or out[place] in GRAMMAR):
            return None
        before = out[place - 1]
        if _ENDED.search(before) and (before or place == 1):
            value = _capital(value)
        elif out[place] in ("COLOR", "MATERIAL"):
            value = _lower(value)
        if _ARTICLE.search(before):
            out[place - 1] = _ARTICLE.sub(rf"\g<1>{_article(value)} ", before)
        out[place] = value
    return "".join(out)


def slots_in(slot_text: str) -> frozenset[str]:
    """The names of all slots in a text, known or not."""
    return frozenset(SLOT.findall(slot_text))


def _capital(value: str) -> str:
    # "iPhone" and "e.l.f." are spelled as they are.
    return value[:1].upper() + value[1:] if value[:2].islower() or len(value) == 1 else value


def _lower(value: str) -> str:
    """A colour or material of plain words, as it stands inside a sentence; a name ("Midnight Sky") is left alone."""
    words = value.lower().split()
    return value.lower() if all(word.strip(",/&-") in _plain_words() for word in words) else value


def _article(value: str) -> str:
    vowel = value[:1].lower() in ("a", "e", "i", "o", "u") and not _CONSONANT.match(value)
    return "n" if vowel or _VOWEL.match(value) or _SPELLED.match(value) else ""


@cache
def _plain_words() -> frozenset[str]:
    return _BESIDE.union(words_of("colours"), words_of("materials"))
