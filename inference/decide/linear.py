"""Contextual Thompson sampling: a belief about what attributes of copy are worth, in place of one about each arm.

An arm is described by its attributes (tone, call, length, ...), alone and crossed with the shopper's segment, and not
by an id: a new arm starts where others like it stand (the idea of EFIN, arXiv 2306.00315, which encodes a treatment
by its features). The log-odds of a success are a cell's own level plus x . theta, theta is Gaussian, and its prior
mean is what P_conv was fitted to. Draws of theta, the same for all arms, give draws of every arm's score: what is
learned about one moves all that share its attributes.

The posterior is Laplace's approximation of the logistic model's (Chapelle and Li 2011, "An empirical evaluation of
Thompson sampling", section 4, who keep a diagonal; here the whole covariance is kept, since attributes of copy go
together).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Row = Mapping[str, float]
"""An arm's attributes: name -> value, about -1..1; what is not named is 0."""

# A cell's level is a nuisance: any rate from a thousandth to nearly one lies within two standard deviations of its
# prior.
_LEVEL_SPREAD = 4.0
# Newton's steps on a convex function, halved where they overshoot: six or seven do in practice.
_STEPS, _HALVINGS, _ENOUGH = 50, 30, 1e-10


class Counts(Struct, frozen=True):
    """Successes in trials of one arm in one cell, with the arm's attributes there. Discounted counts are no whole
    numbers.
    """

    cell: tuple[str, str]
    row: Row
    successes: float
    trials: float


class Expected(Struct, frozen=True):
    """An attribute's weight before anything is counted: log-odds for one unit of it, and the standard deviation
    around it.
    """

    mean: float
    spread: float


class Linear(Struct, frozen=True):
    """A Gaussian belief about theta, and the attributes of the arms of one cell. `factor` is lower-triangular, and
    factor @ factor.T the covariance.
    """

    names: tuple[str, ...]
    mean: Numbers
    factor: Numbers
    rows: Mapping[str, Row]

    def draws(self, arms: Sequence[str], rng: np.random.Generator, count: int) -> Numbers:
        """(arms, count) of scores: log-odds above the cell's level. Raises KeyError for an arm without attributes."""
        theta = self.mean[:, None] + self.factor @ rng.standard_normal((len(self.names), count))
        return np.asarray(_table([self.rows[arm] for arm in arms], self.names) @ theta)

    def of(self, rows: Mapping[str, Row]) -> "Linear":
        """The same belief for the arms of another cell."""
        return Linear(self.names, self.mean, self.factor, rows)


def crossed(row: Row, segment: str) -> dict[str, float]:
    """An arm's attributes, and the same once more for this segment alone (`tone:warm|new`)."""
    return {**row, **{f"{name}|{segment}": value for name, value in row.items()}}


def fit_linear(counts: Sequence[Counts], expected: Mapping[str, Expected]) -> Linear:
    """The belief about the attributes that `expected` names, after `counts`; without counts it is the prior.

    The order of counts plays no part but for rounding. Raises ValueError for more successes than trials.
    """
    names = tuple(sorted(expected))
    prior = np.array([expected[name].mean for name in names], np.float64)
    spread = np.array([expected[name].spread for name in names], np.float64)
    if not counts:
        return Linear(names, prior, np.diag(spread), {})
    cells = {cell: place for place, cell in enumerate(sorted({each.cell for each in counts}))}
    successes = np.array([each.successes for each in counts], np.float64)
    trials = np.array([each.trials for each in counts], np.float64)
    if (successes > trials).any() or (successes < 0).any():
        raise ValueError("more successes than trials")
    levels = np.zeros((len(counts), len(cells)))
    levels[np.arange(len(counts)), [cells[each.cell] for each in counts]] = 1.0
    design = np.hstack([_table([each.row for each in counts], names), levels])
    centre = np.concatenate([prior, np.zeros(len(cells))])
    precision = np.concatenate([spread**-2.0, np.full(len(cells), _LEVEL_SPREAD**-2.0)])
    mode = _mode(design, successes, trials, centre, precision)
    covariance = np.linalg.inv(_curvature(design, trials, precision, mode))[: len(names), : len(names)]
    return Linear(
        names, mode[: len(names)], np.asarray(np.linalg.cholesky((covariance + covariance.T) / 2), np.float64), {}
    )


def _mode(design: Numbers, successes: Numbers, trials: Numbers, centre: Numbers, precision: Numbers) -> Numbers:
    """Where the log posterior is highest, by Newton's method."""

    def height(at: Numbers) -> float:
        odds = design @ at
        return float(successes @ odds - trials @ np.logaddexp(0, odds) - (precision * (at - centre) ** 2).sum() / 2)

    at, high = centre.copy(), height(centre)
    for _ in range(_STEPS):
        slope = design.T @ (successes - trials * _rates(design @ at)) - precision * (at - centre)
        step = np.linalg.solve(_curvature(design, trials, precision, at), slope)
        for _ in range(_HALVINGS):
            higher = height(at + step)
            if higher >= high:
                break
            step = step / 2
        else:
            return at
        at, gained, high = at + step, higher - high, higher
        if gained < _ENOUGH:
            return at
    return at


def _curvature(design: Numbers, trials: Numbers, precision: Numbers, at: Numbers) -> Numbers:
    rates = _rates(design @ at)
    return np.asarray((design.T * (trials * rates * (1 - rates))) @ design + np.diag(precision))


def _rates(odds: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def _table(rows: Sequence[Row], names: Sequence[str]) -> Numbers:
    return np.array([[row.get(name, 0.0) for name in names] for row in rows], np.float64).reshape(-1, len(names))
