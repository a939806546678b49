"""How much of a text a segment has seen already, in its own words or in those of others."""

from collections import defaultdict

from inference.text.embedder import Vector


class Looks:
    """What a segment has looked at: texts as vectors, summed by their impressions.

    Vectors have length 1, so the mean cosine of a text to all that was looked at is its product with the sum.
    """

    def __init__(self) -> None:
        self._sum: defaultdict[int, float] = defaultdict(float)
        self._impressions = 0

    def add(self, text: Vector, impressions: int) -> None:
        """Count so many impressions of a text."""
        self._impressions += impressions
        for index, weight in zip(text.indices, text.weights, strict=True):
            self._sum[index] += weight * impressions

    def familiarity(self, text: Vector) -> float | None:
        """The mean likeness (cosine, 0..1) of a text to what the segment has looked at, an impression counting as one:
        its own impressions, at a likeness of 1, and those of every other text.

        Novelty is what is left to 1. None where nobody has looked at anything. It rests on the embedder: quote its
        name.
        """
        if not self._impressions:
            return None
        found = sum(
            weight * self._sum.get(index, 0.0) for index, weight in zip(text.indices, text.weights, strict=True)
        )
        return min(1.0, found / self._impressions)
