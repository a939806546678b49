"""What adaptive arms did, by inverse propensity: where an arm's chance moves with its success, raw means mislead.

The logged p is exact (`inference.decide.policy`), and epsilon keeps it away from 0, so weights are bounded. Two ways:
weights inside `ShopperSums` (self-normalised inverse propensity: sum of w y over sum of w x), which a stream can keep
as integers; and the doubly robust score of each decision (AIPW; Robins, Rotnitzky and Zhao 1994, doi
10.1080/01621459.1994.10476818), which takes what a model had predicted into account and so has less variance. The
prediction has to be of before the decision, such as that of the policy snapshot which decided.
"""

import numpy as np
import numpy.typing as npt

from inference.experiment.ratio import Estimate, ratio
from schemas.shopper_sums import UNIT

Floats = npt.NDArray[np.float64]


def weight_of(propensity: float) -> int:
    """round(2^16 / p). Raises ValueError where p is not above 0 and at most 1."""
    if not 0 < propensity <= 1:
        raise ValueError(f"{propensity} is no propensity of something that was shown")
    return round(UNIT / propensity)


def doubly_robust(chosen: npt.NDArray[np.int64], rewards: Floats, propensities: Floats, predicted: Floats) -> Floats:
    """Scores by decision and arm, shape (decisions, arms), whose means are the arms' mean rewards.

    `chosen` are columns of `predicted` (decisions, arms), what each arm was expected to bring; `propensities` those of
    the chosen arms. Raises ValueError where a propensity is not above 0 and at most 1.
    """
    if not bool(np.all((propensities > 0) & (propensities <= 1))):
        raise ValueError("a propensity is not above 0 and at most 1")
    rows = np.arange(len(chosen))
    scores = predicted.astype(np.float64, copy=True)
    scores[rows, chosen] += (rewards - predicted[rows, chosen]) / propensities
    return scores


def effect(shoppers: npt.NDArray[np.int64], scores: Floats, arm: int, control: int) -> Estimate:
    """An arm's mean reward less the control's, per decision, with the variance by shopper.

    `shoppers` says whose each decision is, as numbers from 0. Raises ValueError with fewer than two shoppers.
    """
    gain = scores[:, arm] - scores[:, control]
    held = np.unique(shoppers, return_inverse=True)[1]
    y, x = np.bincount(held, weights=gain), np.bincount(held).astype(np.float64)
    if len(x) < 2:
        raise ValueError("two shoppers or more are needed")
    value, variance = ratio(len(x), x.sum(), (x * x).sum(), y.sum(), (y * y).sum(), (x * y).sum())
    return Estimate(float(value), float(variance), len(x))
