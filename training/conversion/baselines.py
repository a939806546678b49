"""What a model of texts has to beat: the longer text, and a bag of words, fitted on the same tests."""

from collections.abc import Callable, Sequence

import numpy as np

from schemas.arms import Arm
from training.conversion.bag import fit_bag
from training.conversion.design import Matrix, measured, standardised
from training.conversion.pairs import merged, pairs_of

Scores = Callable[[Sequence[str]], Matrix]
"""Texts to scores; the higher of two is to win."""


def length(texts: Sequence[str]) -> Matrix:
    """The longer one wins."""
    return np.array([len(text) for text in texts], np.float64)


def tfidf(arms: Sequence[Arm], *, surface: bool = False) -> Scores:
    """Pairwise logistic regression on TF-IDF of word 1- and 2-grams, one layer, each pair with the weight 1; with
    `surface` the attributes of `inference.text.attributes` stand beside them.
    """
    texts = merged(arms)
    pairs = pairs_of(texts).pairs
    names = [arm.text for arm in texts]
    found = measured(names) if surface else []
    columns = standardised(found) if surface else None

    def rows(asked: Sequence[str]) -> Matrix:
        return columns.rows(measured(asked)) if columns is not None else np.zeros((len(asked), 0))

    sides = [pair.a for pair in pairs], [pair.b for pair in pairs]
    bag = fit_bag(names, rows(names), *sides, np.array([pair.z for pair in pairs]))
    return lambda asked: bag.scores(asked, rows(asked))
