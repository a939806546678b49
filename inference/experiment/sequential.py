"""Intervals that hold at every look: the asymptotic confidence sequence of the Gaussian mixture.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, Time-uniform central limit theory and asymptotic confidence
sequences, Annals of Statistics 52(6), doi 10.1214/24-AOS2408 (arXiv 2103.06476), theorem 2.2: for a mean of t values
with standard deviation s,

    mean +- s * sqrt(2 (t r^2 + 1) / (t^2 r^2) * log(sqrt(t r^2 + 1) / alpha)).

With V = s^2 / t, the variance of the estimate, and T = t r^2 this is

    sqrt(V) * sqrt((1 + 1 / T) * (log(1 + T) - 2 log(alpha)))

so all that the sequence needs is V and T, the time in units of the tuning. Time here is information: T is proportional
to 1 / V, which for independent shoppers is proportional to their number, and which goes on where the same shoppers come
back and no new ones do. Estimates of growing samples have independent increments in that time (Jennison and Turnbull
1997, doi 10.1080/01621459.1997.10473655); `patter evaluate intervals` measures that it holds for shoppers who return.

The interval is narrowest, relative to its standard error, at one T, which follows from alpha (appendix B of the paper,
by Lambert's W: -W_{-1}(-alpha^2 / e) - 1). That moment is put where V has come down to `planned`, the variance at
which the planned effect is found with the planned power. `planned` is a number of the plan, never of the data.
"""

from functools import cache
from math import log, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@cache
def tuned_time(alpha: float) -> float:
    """The T at which the sequence is narrowest: the root above 0 of T - log(1 + T) = -2 log(alpha)."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}, not between 0 and 1")
    goal = -2 * log(alpha)
    time = goal + 2 * log(2 + goal)
    # Newton on a convex function: a dozen rounds settle every float; the bound only says that it ends.
    for _ in range(100):
        step = (time - log(1 + time) - goal) * (1 + time) / time
        time -= step
        if abs(step) <= 1e-14 * time:
            break
    return time


def least_width(alpha: float) -> float:
    """Half the interval in standard errors, at the tuned time, where it is narrowest."""
    return sqrt(1 + tuned_time(alpha))


def half_width(variance: Any, planned: float, alpha: float) -> Floats:
    """Half the width of the interval that holds at every look, for numbers or arrays.

    `variance` is that of the estimate now, `planned` what it will be at the planned size. Infinite where the variance
    is 0: nothing has been learned yet from arms in which nobody differed.
    """
    now = np.asarray(variance, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        time = tuned_time(alpha) * planned / now
        half = np.sqrt(now * (1 + 1 / time) * (np.log1p(time) - 2 * log(alpha)))
    return np.where(now > 0, half, np.where(np.isnan(now), np.nan, np.inf))


def p_value(effect: Any, variance: Any, planned: float, alpha: float) -> Floats:
    """The always-valid p: the level at which the sequence, tuned for `alpha`, would just reach 0. Numbers or arrays.

    It is the reciprocal of the mixture martingale, sqrt(1 + T) * exp(-z^2 T / (2 (1 + T))), at most 1.
    """
    now = np.asarray(variance, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        time = tuned_time(alpha) * planned / now
        square = np.asarray(effect, dtype=np.float64) ** 2 / now
        found = np.sqrt(1 + time) * np.exp(-square * time / (2 * (1 + time)))
    return np.where(now > 0, np.minimum(1.0, found), np.where(np.isnan(now), np.nan, 1.0))


def normal_quantile(probability: float) -> float:
    """The standard normal's quantile."""
    return NormalDist().inv_cdf(probability)


def fixed_half_width(variance: Any, alpha: float) -> Floats:
    """Half the width of the usual interval, right for one look at a size that was fixed before."""
    return normal_quantile(1 - alpha / 2) * np.sqrt(np.asarray(variance, dtype=np.float64))
