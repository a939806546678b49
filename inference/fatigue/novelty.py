"""How much of a text a segment has seen already, in its own words or in those of others."""

from collections.abc import Iterable

from inference.text.embedder import Vector, cosine


def familiarity(text: Vector, seen: Iterable[tuple[Vector, int]]) -> float | None:
    """The mean likeness (cosine, 0..1) of a text to what a segment has looked at, an impression counting as one: its
    own impressions, at a likeness of 1, and those of every other text.

    Novelty is what is left to 1. None where nobody has looked at anything. It rests on the embedder: quote its name.
    """
    total = weighed = 0.0
    for other, impressions in seen:
        total += impressions
        weighed += impressions * cosine(text, other)
    return weighed / total if total else None
