"""The chi-square distribution's upper tail, central and not, for whole degrees of freedom."""

from collections.abc import Callable
from functools import cache
from math import erfc, exp, lgamma, log, sqrt

# Doublings until a bound is found and halvings of it: past the precision of a float.
_ROUNDS = 200


def tail(statistic: float, freedom: int) -> float:
    """P(X > statistic), X chi-square with `freedom` >= 1 degrees.

    The closed forms for whole degrees (Abramowitz and Stegun 1964, 26.4.4 for odd ones and 26.4.5 for even ones), each
    term by its logarithm. Raises ValueError with fewer than one degree.
    """
    if freedom < 1:
        raise ValueError(f"{freedom} degrees of freedom")
    half = statistic / 2
    if half <= 0:
        return 1.0
    odd = freedom % 2
    total = erfc(sqrt(half)) if odd else 0.0
    for step in range(freedom // 2):
        power = step + 0.5 * odd
        total += exp(power * log(half) - half - lgamma(power + 1))
    return min(1.0, total)


def shifted_tail(statistic: float, freedom: int, shift: float) -> float:
    """P(X > statistic), X noncentral with noncentrality `shift`: a Poisson mixture of central ones.

    Abramowitz and Stegun 1964, 26.4.25. Terms are added until those left weigh under 1e-12.
    """
    half, total, weight, seen, step = shift / 2, 0.0, exp(-shift / 2), 0.0, 0
    while seen < 1 - 1e-12 and step < 10_000:
        total += weight * tail(statistic, freedom + 2 * step)
        seen += weight
        step += 1
        weight *= half / step
    return min(1.0, total)


@cache
def critical(freedom: int, alpha: float) -> float:
    """The statistic that `tail` gives `alpha`."""
    return _falling(lambda statistic: tail(statistic, freedom), alpha)


@cache
def needed_shift(freedom: int, alpha: float, power: float) -> float:
    """The noncentrality at which a test of level `alpha` rejects with probability `power`."""
    bar = critical(freedom, alpha)
    return _falling(lambda shift: 1 - shifted_tail(bar, freedom, shift), 1 - power)


def _falling(of: Callable[[float], float], goal: float) -> float:
    """Where a function that falls from `of(0)` to 0 comes down to `goal`."""
    low, high = 0.0, 1.0
    while of(high) > goal:
        low, high = high, high * 2
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if of(middle) > goal else (low, middle)
    return high
