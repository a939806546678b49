"""The click rates that arms of a past test are taken to have: what was counted, less what was chance."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.float64]]


def shrunk_rates(impressions: Sequence[int], clicks: Sequence[int]) -> Numbers:
    """The rates of a test's arms, each shrunk to the test's mean by the method of moments.

    With m the test's clicks over its impressions, k arms, and m (1 - m) / n_i the variance that chance alone gives
    arm i,

        tau2  = max(0, sum of (r_i - m)^2 / (k - 1) - mean of m (1 - m) / n_i)      what the arms really differ by
        truth = m + tau2 / (tau2 + m (1 - m) / n_i) * (r_i - m)

    (Efron and Morris 1975, doi 10.1080/01621459.1975.10479864). Where the arms differ by no more than chance, all
    have m. Raises ValueError for fewer than two arms, or an arm without impressions.
    """
    n, s = np.asarray(impressions, np.float64), np.asarray(clicks, np.float64)
    if len(n) < 2 or n.min() <= 0:
        raise ValueError("a test has two arms or more, each seen by somebody")
    rates, mean = s / n, float(s.sum() / n.sum())
    chance = mean * (1 - mean) / n
    really = max(0.0, float(((rates - mean) ** 2).sum() / (len(n) - 1) - chance.mean()))
    if really == 0:
        return np.full(len(n), mean)
    return np.asarray(mean + really / (really + chance) * (rates - mean), np.float64)
