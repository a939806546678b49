"""Experiments that never were: many at once, with shoppers who differ and come back, looked at after every batch.

What `patter evaluate intervals` measures error rates with. The shoppers are hard on a statistic that takes impressions
as independent: rates differ from shopper to shopper, and so does how often they come (a gamma of shape 1/2, whose
deviation is 1.4 times its mean). Everybody has at least FIRST impressions. All estimates and intervals are the ones
that reports use.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from inference.experiment.power import Size, size
from inference.experiment.ratio import ratio
from inference.experiment.sequential import fixed_half_width, half_width

FIRST = 10
"""Impressions of everybody's first batch, at the least."""
_MORE = 4.0
"""Mean of what comes on top, for each batch that a shopper is there."""
_BATCHES = 3
"""Batches in which a shopper is seen: that of arrival and the next two."""
_SHAPE = 0.5
_LIKENESS = 0.05
"""Correlation of two impressions of one shopper: variance of rates between shoppers over baseline (1 - baseline)."""
# Experiments at once: their arrays stay within a few hundred MiB for any plan that a simulation is asked for.
_SHOPPERS_AT_ONCE = 1_000_000

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Trials(Struct, frozen=True, kw_only=True):
    """Many experiments of two arms of one plan. `true_effect` 0 makes them A/As."""

    experiments: int
    peeks: int
    baseline: float
    true_effect: float
    plan: Size
    least: int


class Outcomes(Struct, frozen=True, kw_only=True):
    """How many experiments found a difference: at any look by the always-valid interval, by the usual interval at the
    last look only, by the usual one at any look, and by the usual one at the last look with impressions taken as
    independent. `shoppers` is the mean number in an experiment when its always-valid interval first excluded 0, or at
    its end."""

    experiments: int
    always_valid: int
    fixed: int
    peeked: int
    by_impressions: int
    shoppers: float


def exposure(peeks: int) -> tuple[float, float]:
    """(impressions of a shopper in the mean, design effect) at the end of trials with so many batches."""
    batches = np.minimum(_BATCHES, peeks - np.arange(peeks)).astype(np.float64)
    mean = FIRST + _MORE * batches
    # Poisson around a gamma: its mean, and its mean squared over the shape.
    square = mean * mean + _MORE * batches + (_MORE * batches) ** 2 / _SHAPE
    return float(mean.mean()), float(1 - _LIKENESS + _LIKENESS * square.mean() / mean.mean())


def planned(baseline: float, effect: float, peeks: int, alpha: float, power: float) -> Size:
    """The plan of two equal arms that fits these shoppers. Raises ValueError as `power.size` does."""
    per_shopper, design = exposure(peeks)
    return size(
        baseline=baseline,
        effect=effect,
        per_shopper=per_shopper,
        design_effect=design,
        alpha=alpha,
        power=power,
        shares=(0.5, 0.5),
    )


def run(trials: Trials, seed: int) -> Outcomes:
    """Simulate the trials; the same seed gives the same outcomes."""
    each = -(-trials.plan.always_valid // (2 * trials.peeks))
    at_once = max(1, _SHOPPERS_AT_ONCE // (2 * each * trials.peeks))
    totals, stopped = np.zeros(4, dtype=np.int64), 0.0
    for block, begin in enumerate(range(0, trials.experiments, at_once)):
        chance = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, block])))
        count = min(at_once, trials.experiments - begin)
        found, until = _judged(trials, count, _looks(trials, each, count, chance))
        totals += found
        stopped += float(until.sum()) * 2 * each
    return Outcomes(
        experiments=trials.experiments,
        always_valid=int(totals[0]),
        fixed=int(totals[1]),
        peeked=int(totals[2]),
        by_impressions=int(totals[3]),
        shoppers=stopped / trials.experiments,
    )


def _looks(trials: Trials, each: int, count: int, chance: np.random.Generator) -> Iterator[tuple[int, Floats]]:
    """After every batch: how many shoppers an arm has, and their sums x, x2, y, y2, xy by (sum, experiment, arm)."""
    spread = 1 / _LIKENESS - 1
    means = trials.baseline * np.array([1.0, 1 + trials.true_effect])
    done = np.zeros((5, count, 2))
    cohorts: list[tuple[Floats, Floats, Counts, Counts]] = []
    for look in range(trials.peeks):
        shape = (count, 2, each)
        rate = np.stack([chance.beta(mean * spread, (1 - mean) * spread, shape[::2]) for mean in means], axis=1)
        keen = _MORE * chance.gamma(_SHAPE, 1 / _SHAPE, shape)
        cohorts.append((rate, keen, np.full(shape, FIRST), chance.binomial(FIRST, rate)))
        if len(cohorts) > _BATCHES:
            done += _sums(*cohorts.pop(0)[2:])
        now = done.copy()
        for place, (rates, often, x, y) in enumerate(cohorts):
            more = chance.poisson(often)
            cohorts[place] = (rates, often, x + more, y + chance.binomial(more, rates))
            now += _sums(*cohorts[place][2:])
        yield each * (look + 1), now


def _sums(x: Counts, y: Counts) -> Floats:
    return np.stack([part.sum(axis=2) for part in (x, x * x, y, y * y, x * y)]).astype(np.float64)


def _judged(trials: Trials, count: int, looks: Iterator[tuple[int, Floats]]) -> tuple[Counts, Counts]:
    """(how many experiments found a difference, by the four ways; the looks each one had until it first did)."""
    level = trials.plan.alpha
    always, fixed, peeked, naive = np.zeros((4, count), dtype=bool)
    until = np.zeros(count, dtype=np.int64)
    for n, (x, x2, y, y2, xy) in looks:
        value, variance = ratio(n, x, x2, y, y2, xy)
        gap, total = np.abs(value[:, 1] - value[:, 0]), variance.sum(axis=1)
        until += ~always
        fixed = gap > fixed_half_width(total, level)
        naive = gap > fixed_half_width((value * (1 - value) / x).sum(axis=1), level)
        if n >= trials.least:
            always |= gap > half_width(total, trials.plan.variance, level)
            peeked |= fixed
    return np.array([int(each.sum()) for each in (always, fixed, peeked, naive)]), until
