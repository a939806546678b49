"""Texts as matrices: attributes as they are measured, and n-grams as `inference.text.conversion` scores them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from scipy.sparse import csr_matrix

from inference.text.attributes import NUMBERS, attributes
from inference.text.conversion import features, grams

Matrix = np.ndarray[Any, np.dtype[np.float64]]


class Measured(Struct, frozen=True):
    """Attributes of texts, one row a text; `means` and `scales` are theirs. Without variation there is no column."""

    names: tuple[str, ...]
    means: Matrix
    scales: Matrix

    def rows(self, found: Sequence[dict[str, float]]) -> Matrix:
        """Standardised attributes."""
        return (_table(found, self.names) - self.means) / self.scales


def measured(texts: Sequence[str]) -> list[dict[str, float]]:
    """The attributes of each text as a model weighs them."""
    return [features(attributes(text)) for text in texts]


def standardised(found: Sequence[dict[str, float]]) -> Measured:
    """The columns that vary over these texts, with their means and standard deviations."""
    names = tuple(dict.fromkeys((*NUMBERS, *sorted({name for row in found for name in row}))))
    table = _table(found, names)
    kept = np.flatnonzero(table.std(axis=0) > 0)
    table = table[:, kept]
    return Measured(tuple(names[k] for k in kept), table.mean(axis=0), table.std(axis=0))


def vocabulary(held: Sequence[frozenset[str]], least: int) -> dict[str, int]:
    """The n-grams that stand in at least `least` of these texts, with their column."""
    counts = Counter(gram for row in held for gram in row)
    return {gram: column for column, gram in enumerate(sorted(g for g, n in counts.items() if n >= least))}


def gram_rows(held: Sequence[frozenset[str]], columns: dict[str, int]) -> csr_matrix:
    """1 over the root of how many n-grams a text has, for each that it holds: times strengths, its keyword strength."""
    indptr, indices, data = [0], [], []
    for row in held:
        known = sorted(columns[gram] for gram in row if gram in columns)
        indices.extend(known)
        data.extend([len(row) ** -0.5] * len(known))
        indptr.append(len(indices))
    return csr_matrix((data, indices, indptr), shape=(len(held), len(columns)), dtype=np.float64)


def held_grams(texts: Sequence[str], order: int) -> list[frozenset[str]]:
    """The n-grams of each text."""
    return [grams(text, order) for text in texts]


def _table(found: Sequence[dict[str, float]], names: Sequence[str]) -> Matrix:
    return np.array([[row.get(name, 0.0) for name in names] for row in found], np.float64).reshape(-1, len(names))
