"""Fitting P_conv: the mean of two models of the same tests, each of which reads words in a way of its own.

One has two layers: strengths of n-grams, out of fold, and a pairwise logistic model above them. Its first layer is a
ridge regression of differences in log click odds within a test on n-grams and attributes. The score of a text that it
was fitted on is too good to be true, so the second layer is fitted on strengths that come from the other folds
(stacking; Wolpert 1992, doi 10.1016/S0893-6080(05)80023-1), folds being made of whole groups.

The other is a bag of words with attributes, in one layer (`training.conversion.bag`). Both are linear in log-odds, so
their mean is one model again, and it errs less than its parts where these err apart (Breiman 1996, doi
10.1007/BF00058655). Each is taken in units of the spread of its differences on texts that it has not seen.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from msgspec import Struct
from scipy.sparse import csr_matrix, diags, hstack
from scipy.sparse.linalg import lsqr
from sklearn.linear_model import LogisticRegression

from inference.text.conversion import BAG, KEYWORDS, SCHEMA, Conversion, Weight, versioned
from schemas.arms import Arm
from schemas.errors import Code, ConfigError
from training.conversion.bag import Bag, fit_bag
from training.conversion.design import Matrix, Measured, gram_rows, held_grams, measured, standardised, vocabulary
from training.conversion.pairs import merged, pairs_of
from training.conversion.split import folds_of

Rows = np.ndarray[Any, np.dtype[np.intp]]

# Differences in log click odds that are due to what no text shows (image order, time of day, chance of an audience): a
# variance beside that of counting, so that a test of a million viewers does not outweigh a hundred others.
OVERDISPERSION = 0.05
# Attributes are dense and few, n-grams sparse and many: in units of the n-grams' penalty theirs is this much weaker.
ATTRIBUTE_SHARE = 0.1
# The second layer has some forty weights and thousands of pairs; this keeps twins (words, characters) from parting.
LOGISTIC_C = 0.1
# A segment's own weights need pairs of its own, and are held this much closer to nothing than those of all.
SEGMENT_PAIRS, SEGMENT_SHARE = 200, 0.3


class Options(Struct, frozen=True, kw_only=True):
    """How to fit. `least` is in how many texts an n-gram of up to `order` words has to stand; the penalty of the first
    layer is the one of `penalties` that predicts other folds best.
    """

    order: int = 2
    least: int = 8
    penalties: tuple[float, ...] = (15.0, 30.0, 60.0, 120.0)
    folds: int = 5
    seed: int = 1


class _Data(Struct, frozen=True):
    """The texts and the pairs of the data, as arrays; `fold` is of texts, the others of pairs."""

    arms: list[Arm]
    a: Rows
    b: Rows
    z: Matrix
    y: Matrix
    weights: Matrix
    fold: Rows


def fit(arms: Sequence[Arm], options: Options, source: dict[str, Any] | None = None) -> Conversion:
    """The model that these arms support; `source` is what it says of them beside their numbers.

    Raises ConfigError (file_invalid) where they hold too little: fewer than two groups, or than ten pairs of texts.
    """
    data = _data(arms, options)
    texts = [arm.text for arm in data.arms]
    attributes = measured(texts)
    columns = standardised(attributes)
    rows, held = columns.rows(attributes), held_grams(texts, options.order)
    penalty = _penalty(data, rows, held, options)
    outside = _outside(data, rows, held, options, penalty)
    strengths, known = _strengths(data, rows, held, options, penalty, np.ones(len(data.a), bool))
    table = np.column_stack([rows, _scaled(outside)])
    weights, own = _layer(data, table)
    bag, other = _bag(data, rows, np.ones(len(data.a), bool)), _outside_bag(data, rows, options)
    first, second = _shares(data, table, weights, own, other)
    weights, own = weights * first, {name: part * first for name, part in own.items()}
    # A strength in serving is that of the whole fit: its mean over these texts is what is usual.
    usual, words = float(np.mean(gram_rows(held, known) @ strengths)), bag.words(texts)
    parts = _parts(columns, weights[:-1] + bag.attributes * second) | {
        KEYWORDS: Weight(mean=usual, scale=_spread(outside), weight=float(weights[-1])),
        BAG: Weight(mean=float(np.mean(words)), scale=_spread(words), weight=second * _spread(words)),
    }
    names = [*columns.names, KEYWORDS]
    return versioned(
        Conversion(
            schema=SCHEMA,
            version="",
            attributes=parts,
            segments={
                segment: {name: float(weight) for name, weight in zip(names, row, strict=True)}
                for segment, row in own.items()
            },
            ngrams={gram: float(strengths[column]) for gram, column in known.items() if strengths[column]},
            order=options.order,
            source=(source or {})
            | {
                "texts": len(texts),
                "pairs": len(data.a),
                "tests": len({arm.test for arm in data.arms}),
                "groups": len({arm.group for arm in data.arms}),
                "penalty": penalty,
            },
            figures={},
            bag=bag.terms,
        )
    )


def _data(arms: Sequence[Arm], options: Options) -> _Data:
    texts = merged(arms)
    pairs = pairs_of(texts).pairs
    used = {arm.group for arm in texts}
    if len(used) < 2 or len(pairs) < 10:
        what = f"{len(pairs)} pairs of texts in {len(used)} groups are too few to fit on"
        raise ConfigError(Code.FILE_INVALID, what, hint="a test needs two texts or more with different click rates")
    clicks = np.array([arm.clicks for arm in texts]) + 0.5
    others = np.array([arm.impressions - arm.clicks for arm in texts]) + 0.5
    odds, variance = np.log(clicks / others), 1 / clicks + 1 / others
    a, b = np.array([pair.a for pair in pairs]), np.array([pair.b for pair in pairs])
    # A test of k texts has k(k-1)/2 pairs and no more than k - 1 independent differences.
    weights = np.array([2 / pair.size for pair in pairs]) / (variance[a] + variance[b] + 2 * OVERDISPERSION)
    z = np.array([pair.z for pair in pairs])
    # By another seed than a split around the fit: of that split's folds one is missing here.
    fold = np.array(folds_of([arm.group for arm in texts], options.folds, options.seed + 1))
    return _Data(texts, a, b, z, odds[a] - odds[b], weights / weights.mean(), fold)


def _strengths(
    data: _Data, rows: Matrix, held: list[frozenset[str]], options: Options, penalty: float, chosen: Any
) -> tuple[Matrix, dict[str, int]]:
    """Strengths of n-grams by the chosen pairs, with their columns. Attributes stand beside them, so that a word is not
    credited with the length of the texts that it stands in.
    """
    a, b = data.a[chosen], data.b[chosen]
    seen = np.unique(np.concatenate([a, b]))
    known = vocabulary([held[index] for index in seen], options.least)
    grams = gram_rows(held, known)
    size = float(np.sqrt(grams[seen].multiply(grams[seen]).sum() / len(seen))) if known else 1.0
    design = hstack([grams / size, csr_matrix(rows * ATTRIBUTE_SHARE)]).tocsr()
    root = np.sqrt(data.weights[chosen])
    solved = lsqr(diags(root) @ (design[a] - design[b]), root * data.y[chosen], damp=penalty**0.5, iter_lim=200)[0]
    return np.asarray(solved[: len(known)] / size, np.float64), known


def _outside(data: _Data, rows: Matrix, held: list[frozenset[str]], options: Options, penalty: float) -> Matrix:
    """The keyword strength of each text by a fit on the pairs of the other folds."""
    found = np.zeros(len(held))
    for fold in range(options.folds):
        if (inside := data.fold[data.a] != fold).any() and (mine := np.flatnonzero(data.fold == fold)).size:
            strengths, known = _strengths(data, rows, held, options, penalty, inside)
            found[mine] = gram_rows([held[index] for index in mine], known) @ strengths
    return found


def _penalty(data: _Data, rows: Matrix, held: list[frozenset[str]], options: Options) -> float:
    """The penalty whose strengths from other folds go best with the outcomes: the highest weighted correlation."""

    def fits(penalty: float) -> float:
        found = _outside(data, rows, held, options, penalty)
        difference = found[data.a] - found[data.b]
        spread = float(np.sqrt(np.sum(data.weights * difference**2)))
        return float(np.sum(data.weights * difference * data.y)) / spread if spread else 0.0

    return max(options.penalties, key=fits)


def _bag(data: _Data, rows: Matrix, chosen: Any) -> Bag:
    """The bag of words by the chosen pairs."""
    a, b = data.a[chosen], data.b[chosen]
    seen, places = np.unique(np.concatenate([a, b]), return_inverse=True)
    texts = [data.arms[index].text for index in seen]
    return fit_bag(texts, rows[seen], places[: len(a)], places[len(a) :], data.z[chosen])


def _outside_bag(data: _Data, rows: Matrix, options: Options) -> Matrix:
    """The score of each text by a bag of words of the other folds."""
    found = np.zeros(len(data.arms))
    for fold in range(options.folds):
        if (inside := data.fold[data.a] != fold).any() and (mine := np.flatnonzero(data.fold == fold)).size:
            found[mine] = _bag(data, rows, inside).scores([data.arms[index].text for index in mine], rows[mine])
    return found


def _shares(data: _Data, table: Matrix, weights: Matrix, own: dict[str, Matrix], other: Matrix) -> tuple[float, float]:
    """What the two models' log-odds are multiplied by: alike in units of their spread, and so that the probabilities of
    the sum hold over all pairs alike.
    """
    differences = table[data.a] - table[data.b]
    mine = differences @ weights
    for name, part in own.items():
        of_segment = np.array([data.arms[index].segment == name for index in data.a])
        mine = mine + of_segment * (differences @ part)
    theirs = other[data.a] - other[data.b]
    units = 1 / _spread(mine), 1 / _spread(theirs)
    both = mine * units[0] + theirs * units[1]
    size = float(_logistic(both[:, None], data.z, np.ones(len(data.z)), 1e6)[0])
    return units[0] * size, units[1] * size


def _layer(data: _Data, table: Matrix) -> tuple[Matrix, dict[str, Matrix]]:
    """Weights of the columns for all, and what those of a segment with pairs enough differ by."""
    differences = table[data.a] - table[data.b]
    of_pair = np.array([data.arms[index].segment for index in data.a])
    own = [name for name in sorted(set(of_pair)) if np.sum(of_pair == name) >= SEGMENT_PAIRS]
    # With one segment its own weights would be those of all once more.
    own = own if len(set(of_pair)) > 1 else []
    blocks = [differences, *(differences * (of_pair == name)[:, None] * SEGMENT_SHARE for name in own)]
    design = np.hstack(blocks)
    theta = _logistic(design, data.z, data.weights, LOGISTIC_C)
    # Large tests, whose winners are less of chance, weigh more. What is predicted is any pair, so the size of the
    # weights is set on all of them alike.
    theta = theta * _logistic((design @ theta)[:, None], data.z, np.ones(len(data.z)), 1e6)[0]
    width = table.shape[1]
    edges = [width * k for k in range(len(own) + 2)]
    shared, *parts = (theta[low:high] for low, high in pairwise(edges))
    return shared, {name: part * SEGMENT_SHARE for name, part in zip(own, parts, strict=True)}


def _logistic(differences: Matrix, z: Matrix, weights: Matrix, c: float) -> Matrix:
    """Weights of a logistic model without intercept: which of two comes first plays no part."""
    # Every other pair is turned round, so that both outcomes occur whatever the data.
    turned = np.where(np.arange(len(z)) % 2 == 0, 1.0, -1.0) * np.sign(z)
    model = LogisticRegression(C=c, fit_intercept=False, max_iter=1000)
    model.fit(differences * turned[:, None], np.sign(z) * turned > 0, sample_weight=weights)
    return np.asarray(model.coef_[0], np.float64)


def _parts(columns: Measured, weights: Matrix) -> dict[str, Weight]:
    return {
        name: Weight(mean=float(columns.means[k]), scale=float(columns.scales[k]), weight=float(weights[k]))
        for k, name in enumerate(columns.names)
    }


def _scaled(values: Matrix) -> Matrix:
    return np.asarray((values - np.mean(values)) / _spread(values), np.float64)


def _spread(values: Matrix) -> float:
    return float(np.std(values)) or 1.0
