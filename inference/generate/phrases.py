"""Phrases of a list, found in a text by its words: whole words, any case, blanks and hyphens alike.

A text is cut into words once and looked up, so that a list of ten thousand phrases costs what one of ten does.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

# Signs that end a thought stand as words of their own, so that no phrase is found across them.
_WORD = re.compile(r"[^\W_]+|[.!?,;:\x00]")


def words(text: str) -> tuple[str, ...]:
    """The words of a text without case, and the signs between its thoughts. "Wi-Fi" is two words, as "wi fi" is."""
    return tuple(_WORD.findall(text.casefold()))


class Phrases(Struct, frozen=True, gc=False):
    """A list made ready to be looked for. `lengths` has for a first word how long its phrases are, longest first."""

    known: frozenset[tuple[str, ...]]
    lengths: Mapping[str, tuple[int, ...]]

    def found(self, text: Sequence[str]) -> list[str]:
        """Every phrase in the words of a text, in order; of those that begin at the same word the longest."""
        hits, at = [], 0
        while at < len(text):
            for length in self.lengths.get(text[at], ()):
                phrase = tuple(text[at : at + length])
                if phrase in self.known:
                    hits.append(" ".join(phrase))
                    at += length
                    break
            else:
                at += 1
        return hits


def phrases(entries: Iterable[str]) -> Phrases:
    """The list of these entries; those without a word are left out."""
    known = frozenset(found for entry in entries if (found := words(entry)))
    lengths: dict[str, set[int]] = {}
    for phrase in known:
        lengths.setdefault(phrase[0], set()).add(len(phrase))
    return Phrases(known, {first: tuple(sorted(sizes, reverse=True)) for first, sizes in lengths.items()})
