"""Intervals of rates."""

from math import sqrt

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """The score interval of a rate (Wilson 1927, doi 10.1080/01621459.1927.10502953), within 0..1.

    Unlike the rate plus or minus its standard error it holds for few trials and for rates near 0. Raises ValueError
    where there are no trials, or other than 0 to `trials` successes.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} of {trials} is no rate")
    rate, square = successes / trials, z * z
    middle = rate + square / (2 * trials)
    half = z * sqrt(rate * (1 - rate) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    # At the ends the two terms are equal but for rounding.
    low = 0.0 if successes == 0 else (middle - half) / scale
    high = 1.0 if successes == trials else (middle + half) / scale
    return max(0.0, low), min(1.0, high)
