"""Figures with their number and a 95 % interval: shares, means, ratios of sums."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from inference.decide.intervals import wilson

# Percentiles of 2,000 resamples hardly move with the seed at the two or three digits that are shown.
RESAMPLES = 2_000
_BOUNDS = (2.5, 97.5)


class Figure(Struct, frozen=True, kw_only=True):
    """A measure over `n` independent units. Without units the value is null, and with one there are no bounds."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def share(hits: Sequence[bool]) -> Figure:
    """The share of units that hold, with its score interval (Wilson 1927)."""
    if not hits:
        return _NOTHING
    low, high = wilson(sum(hits), len(hits))
    return Figure(value=sum(hits) / len(hits), low=low, high=high, n=len(hits))


def mean(values: Sequence[float], seed: int) -> Figure:
    """The mean over units, with a percentile bootstrap interval (Efron 1979, doi 10.1214/aos/1176344552)."""
    return ratio(values, [1.0] * len(values), seed)


def ratio(parts: Sequence[float], wholes: Sequence[float], seed: int) -> Figure:
    """The sum of `parts` as a share of the sum of `wholes`, resampled by unit, so that what stands in one text (its
    sentences, say) is not taken for independent. Units whose whole is 0 do not count.
    """
    kept = [(part, whole) for part, whole in zip(parts, wholes, strict=True) if whole]
    if not kept:
        return _NOTHING
    table = np.array(kept, np.float64)
    value = float(table[:, 0].sum() / table[:, 1].sum())
    if len(kept) == 1:
        return Figure(value=value, low=None, high=None, n=1)
    chosen = np.random.default_rng(seed).integers(0, len(kept), (RESAMPLES, len(kept)))
    sums = table[chosen].sum(axis=1)
    low, high = np.percentile(sums[:, 0] / sums[:, 1], _BOUNDS)
    return Figure(value=value, low=float(low), high=float(high), n=len(kept))


_NOTHING = Figure(value=None, low=None, high=None, n=0)
