"""How different the texts of one set are from one another."""

from collections.abc import Iterable, Sequence

from inference.text.embedder import Vector, cosine
from inference.text.ngrams import ngrams, words


def set_diversity(vectors: Sequence[Vector]) -> float | None:
    """Equation 1 of the paper that Patter follows: D = 1 - (1 / |S|^2) * the sum of cos(s_i, s_j) over all i and j.

    The pairs include each text with itself, so D lies in 0..1 - 1/|S|, one text has 0, and figures compare at equal
    size of set and the same embedder only. It is (|S| - 1) / |S| times the mean distance of two different texts.
    None for no texts.
    """
    count = len(vectors)
    if not count:
        return None
    pairs = sum(cosine(vectors[i], vectors[j]) for i in range(count) for j in range(i))
    return max(0.0, 1 - (count + 2 * pairs) / (count * count))


def marginal_diversity(vectors: Sequence[Vector]) -> list[float | None]:
    """What each text adds to its set: D_i = 1 - the mean of cos(s_i, s_j) over the others, 0..1.

    Equation 1 is the same for every text of a set and so cannot rank them; this can. None for a text alone.
    """
    rest = len(vectors) - 1
    return [
        max(0.0, 1 - sum(cosine(one, other) for j, other in enumerate(vectors) if j != i) / rest) if rest else None
        for i, one in enumerate(vectors)
    ]


def distinct_n(texts: Iterable[str], n: int) -> float | None:
    """Different word n-grams as a share of all, over all texts together (Li et al. 2016, doi 10.18653/v1/N16-1014).

    It falls with the number of texts, so it compares at equal numbers only. None where no text has `n` words.
    """
    grams = [gram for text in texts for gram in ngrams(words(text), n)]
    return len(set(grams)) / len(grams) if grams else None
