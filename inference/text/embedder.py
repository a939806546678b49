"""Texts as vectors for measures of likeness: hashed TF-IDF, without a model, the same on every machine.

It sees words, not meaning: two texts that say the same in other words are far apart. A figure that rests on it is
quoted with the embedder's name, because another embedder gives another figure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from math import log, sqrt

from msgspec import Struct

from inference.text.ngrams import ngrams, words

# Of the corpus's some 40,000 word 1- and 2-grams several share a bucket, of one set of variants with its 60 or so
# hardly any: the chance that two of 60 collide is 5 %.
BUCKETS = 2**15
NAME = "hashed-tfidf-1"
"""The number is raised with any change that changes a vector: words, hash, buckets, weights."""


class Vector(Struct, frozen=True, gc=False):
    """A sparse vector, of length 1 where a text has words. `indices` ascend, and a weight goes with each."""

    indices: tuple[int, ...]
    weights: tuple[float, ...]


class HashedTfidf(Struct, frozen=True, kw_only=True):
    """Word 1- and 2-grams, hashed into 2^15 buckets (Weinberger et al. 2009, doi 10.1145/1553374.1553516, without its
    signs, so that no cosine is below 0), counted, weighed by inverse document frequency, L2-normalised.

    As it comes, every n-gram weighs the same; `fit` learns which are common. `idf` holds the weights of buckets that
    were seen, `unseen` that of the others.
    """

    name: str = NAME
    idf: Mapping[int, float] = {}
    unseen: float = 1.0

    def fit(self, texts: Iterable[str]) -> "HashedTfidf":
        """An embedder with idf = ln((1 + n) / (1 + df)) + 1 of these `n` texts, smoothed as if one text more held
        everything (Pedregosa et al. 2011, scikit-learn). What this one was fitted on is forgotten.

        Its name carries a digest of the weights, since figures of two fits do not compare.
        """
        found = [set(_buckets(text)) for text in texts]
        frequencies = sorted(Counter(chain.from_iterable(found)).items())
        digest = blake2b(repr((len(found), frequencies)).encode(), digest_size=4).hexdigest()
        return HashedTfidf(
            name=f"{NAME}-{digest}",
            idf={bucket: log((1 + len(found)) / (1 + held)) + 1 for bucket, held in frequencies},
            unseen=log(1 + len(found)) + 1,
        )

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in their order."""
        return [self._embedded(text) for text in texts]

    def _embedded(self, text: str) -> Vector:
        counts = sorted(Counter(_buckets(text)).items())
        weights = [count * self.idf.get(bucket, self.unseen) for bucket, count in counts]
        length = sqrt(sum(weight * weight for weight in weights))
        return Vector(tuple(bucket for bucket, _ in counts), tuple(weight / length for weight in weights))


def cosine(a: Vector, b: Vector) -> float:
    """How alike two texts are, 0..1. Two texts without words are alike, one without words is like no other."""
    if not a.indices or not b.indices:
        return float(a.indices == b.indices)
    other = dict(zip(b.indices, b.weights, strict=True))
    total = sum(weight * other.get(index, 0.0) for index, weight in zip(a.indices, a.weights, strict=True))
    return min(1.0, total)


def _buckets(text: str) -> list[int]:
    tokens = words(text)
    return [_bucket(" ".join(gram)) for n in (1, 2) for gram in ngrams(tokens, n)]


@lru_cache(maxsize=1 << 16)
def _bucket(gram: str) -> int:
    # Python's own hash differs from process to process.
    return int.from_bytes(blake2b(gram.encode(), digest_size=8).digest(), "big") % BUCKETS
