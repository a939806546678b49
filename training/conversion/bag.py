"""Fitting a bag of words: pairwise logistic regression on TF-IDF, in one layer, attributes beside it or not.

With attributes it is half of P_conv (`training.conversion.fit`); with and without, a baseline of `patter evaluate
pairs`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from inference.text.bag import Term, bag_strength, terms
from training.conversion.design import Matrix

Places = Sequence[int] | np.ndarray[Any, np.dtype[np.intp]]

# Of 0.1, 0.3, 1 and 3 the best on the Upworthy tests that docs/conversion.md names.
_C = 0.3
# Attributes are dense and in units of their deviation; TF-IDF parts of a text are a tenth or two.
_ATTRIBUTES = 0.1
# A term that fewer texts hold says nothing of others.
_LEAST = 3
# Strengths are no more exact than that, and a model's file is half as large.
_DIGITS = 6


class Bag(Struct, frozen=True):
    """The terms as `inference.text.bag` weighs them, and the weights of standardised attributes beside them."""

    terms: dict[str, Term]
    attributes: Matrix

    def scores(self, texts: Sequence[str], rows: Matrix) -> Matrix:
        """The log-odds of texts with these rows of attributes."""
        return self.words(texts) + rows @ self.attributes

    def words(self, texts: Sequence[str]) -> Matrix:
        """The part of the words alone."""
        return np.array([bag_strength(self.terms, text) for text in texts])


def fit_bag(texts: Sequence[str], rows: Matrix, a: Places, b: Places, won: Matrix) -> Bag:
    """Of pairs of texts by their places, each with the weight 1; `won` is above 0 where `a` won. `rows` are the texts'
    standardised attributes, of no column where words are to tell alone.
    """
    vectoriser = TfidfVectorizer(analyzer=_listed, min_df=min(_LEAST, len(texts)), sublinear_tf=True)
    design = hstack([vectoriser.fit_transform(texts), csr_matrix(rows * _ATTRIBUTES)]).tocsr()
    # Every other pair is turned round, so that both outcomes occur.
    turned = np.where(np.arange(len(won)) % 2 == 0, 1.0, -1.0)
    differences = diags(turned * np.sign(won)) @ (design[a] - design[b])
    model = LogisticRegression(C=_C, fit_intercept=False, max_iter=1000).fit(differences, turned > 0)
    theta, names = np.asarray(model.coef_[0], np.float64), vectoriser.get_feature_names_out()
    found = {
        str(name): (round(float(rarity), _DIGITS), round(float(strength), _DIGITS))
        for name, rarity, strength in zip(names, vectoriser.idf_, theta, strict=False)
    }
    return Bag(found, theta[len(names) :] * _ATTRIBUTES)


def _listed(text: str) -> list[str]:
    return list(terms(text).elements())
