"""What a model of texts has to beat: the longer text, and a bag of words, fitted on the same tests."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from schemas.arms import Arm
from training.conversion.design import Matrix, measured, standardised
from training.conversion.pairs import merged, pairs_of

Scores = Callable[[Sequence[str]], Matrix]
"""Texts to scores; the higher of two is to win."""

# Of 0.1, 0.3, 1 and 3 the best on the Upworthy tests that docs/conversion.md names.
_C = 0.3
_ATTRIBUTES = 0.1


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
    vectoriser = TfidfVectorizer(ngram_range=(1, 2), min_df=min(3, len(names)), sublinear_tf=True).fit(names)
    columns = standardised(measured(names))

    def table(asked: Sequence[str]) -> csr_matrix:
        words = vectoriser.transform(asked)
        if not surface:
            return csr_matrix(words)
        return hstack([words, csr_matrix(columns.rows(measured(asked)) * _ATTRIBUTES)]).tocsr()

    design = table(names)
    # Every other pair is turned round, so that both outcomes occur.
    turned = np.where(np.arange(len(pairs)) % 2 == 0, 1.0, -1.0)
    signs = turned * np.sign([pair.z for pair in pairs])
    differences = diags(signs) @ (design[[pair.a for pair in pairs]] - design[[pair.b for pair in pairs]])
    model = LogisticRegression(C=_C, fit_intercept=False, max_iter=1000).fit(differences, turned > 0)
    theta = np.asarray(model.coef_[0], np.float64)
    return lambda asked: np.asarray(table(asked) @ theta, np.float64)
