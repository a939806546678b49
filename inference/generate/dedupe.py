"""Texts of one product that say the same: a shopper who sees two of them should not think of a machine."""

from collections.abc import Iterable

from inference.generate.findings import Finding
from inference.text.ngrams import ngrams, words
from schemas.errors import Code

LIKENESS = 0.8
"""Above this Jaccard index of their word trigrams two texts are one; the corpus's lines are held to it too."""

Grams = frozenset[tuple[str, ...]]


def trigrams(text: str) -> Grams:
    """The word trigrams of a text; of a shorter text all its words as one."""
    tokens = words(text)
    return frozenset(ngrams(tokens, 3)) or frozenset({tuple(tokens)})


def likeness(a: Grams, b: Grams) -> float:
    """The Jaccard index of two sets of trigrams, 0..1 (Jaccard 1912, doi 10.1111/j.1469-8137.1912.tb05611.x)."""
    return len(a & b) / len(a | b)


def repeated(text: str, earlier: Iterable[str]) -> str | None:
    """The first of the earlier texts that this one repeats, or None. Case and punctuation make no difference."""
    own = trigrams(text)
    return next((other for other in earlier if likeness(own, trigrams(other)) > LIKENESS), None)


def duplicate(text: str | None, earlier: Iterable[str]) -> tuple[Finding, ...]:
    """What is wrong with a text as a shopper reads it where she has read it before."""
    other = None if text is None else repeated(text, earlier)
    return () if other is None else (Finding(Code.COPY_DUPLICATE, f"repeats {other!r}"),)
