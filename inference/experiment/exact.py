"""Exact bounds of a share, for measuring error rates: counts of trials, not of shoppers."""

from collections.abc import Callable
from math import exp, lgamma, log


def upper(successes: int, trials: int, level: float = 0.95) -> float:
    """The one-sided upper bound (Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404).

    The share under which so few successes have probability 1 - level. Raises ValueError as `inside` does.
    """
    _check(successes, trials)
    return 1.0 if successes == trials else _root(lambda share: _at_most(successes, trials, share) > 1 - level)


def lower(successes: int, trials: int, level: float = 0.95) -> float:
    """The one-sided lower bound. Raises ValueError as `inside` does."""
    return 1 - upper(trials - successes, trials, level)


def inside(successes: int, trials: int, share: float, level: float = 0.95) -> bool:
    """Whether `share` lies within the exact two-sided interval. Raises ValueError where it is no count of trials."""
    side = (1 + level) / 2
    return lower(successes, trials, side) <= share <= upper(successes, trials, side)


def _check(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} of {trials} is no share")


def _at_most(most: int, trials: int, share: float) -> float:
    """P(X <= most), X binomial."""
    if not 0 < share < 1:
        return 1.0 if share <= 0 else float(most >= trials)
    begin = lgamma(trials + 1)
    return sum(
        exp(begin - lgamma(k + 1) - lgamma(trials - k + 1) + k * log(share) + (trials - k) * log(1 - share))
        for k in range(most + 1)
    )


def _root(still: Callable[[float], bool]) -> float:
    """Where `still` turns from true to false on 0..1, to the last bit that matters."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if still(middle) else (low, middle)
    return high
