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

from inference.experiment.cuped import adjusted
from inference.experiment.power import Size, size
from inference.experiment.ratio import difference, ratio
from inference.experiment.sequential import fixed_half_width, half_width
from inference.experiment.sums import ShopperSums

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
    """Many experiments of two arms of one plan. `true_effect` 0 makes them A/As.

    With `before` above 0, shoppers had so many impressions in the mean before they came into the experiment, as
    unequally shared as those of now, and clicked them by their own rate without the effect: what CUPED has to go by.
    """

    experiments: int
    peeks: int
    baseline: float
    true_effect: float
    plan: Size
    least: int
    before: float = 0.0


class Outcomes(Struct, frozen=True, kw_only=True):
    """How many experiments found a difference: at any look by the always-valid interval, by the usual interval at the
    last look only, by the usual one at any look, and by the usual one at the last look with impressions taken as
    independent. `shoppers` is the mean number in an experiment when its always-valid interval first excluded 0, or at
    its end. `adjusted` is the same by what was known before, where something was."""

    experiments: int
    always_valid: int
    fixed: int
    peeked: int
    by_impressions: int
    shoppers: float
    adjusted: "Adjusted | None" = None


class Adjusted(Struct, frozen=True, kw_only=True):
    """The same experiments, adjusted by CUPED: how many found a difference by the always-valid interval at any look,
    and by the usual one at the last; mean shoppers until the former did; and the share of the variance that was saved
    at the last look, in the mean."""

    always_valid: int
    fixed: int
    shoppers: float
    saved: float


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
    found = _Found()
    for block, begin in enumerate(range(0, trials.experiments, at_once)):
        # What is known of before is drawn apart, so that the experiments are the same ones without it.
        chance, past = (
            np.random.Generator(np.random.PCG64(np.random.SeedSequence(name)))
            for name in ([seed, block], [seed, block, 1])
        )
        count = min(at_once, trials.experiments - begin)
        found.judge(trials, count, _looks(trials, each, count, chance, past))
    return found.outcomes(trials, 2 * each)


def _looks(
    trials: Trials, each: int, count: int, chance: np.random.Generator, past: np.random.Generator
) -> Iterator[tuple[int, Floats]]:
    """After every batch: how many shoppers an arm has, and their sums, by (sum, experiment, arm), in the order of
    `_NAMES`; without those of before where nothing is known."""
    spread = 1 / _LIKENESS - 1
    lift = np.array([1.0, 1 + trials.true_effect])
    means = trials.baseline * lift
    done = np.zeros((len(_NAMES) if trials.before else _PLAIN, count, 2))
    cohorts: list[tuple[Floats, Floats, Counts, Counts, tuple[Counts, ...]]] = []
    for look in range(trials.peeks):
        shape = (count, 2, each)
        rate = np.stack([chance.beta(mean * spread, (1 - mean) * spread, shape[::2]) for mean in means], axis=1)
        keen = _MORE * chance.gamma(_SHAPE, 1 / _SHAPE, shape)
        before: tuple[Counts, ...] = ()
        if trials.before:
            seen = past.poisson(trials.before / _MORE * keen)
            before = seen, past.binomial(seen, np.minimum(1.0, rate / lift[:, np.newaxis]))
        cohorts.append((rate, keen, np.full(shape, FIRST), chance.binomial(FIRST, rate), before))
        if len(cohorts) > _BATCHES:
            _, _, x, y, known = cohorts.pop(0)
            done += _sums(x, y, *known)
        now = done.copy()
        for place, (rates, often, x, y, known) in enumerate(cohorts):
            more = chance.poisson(often)
            cohorts[place] = (rates, often, x + more, y + chance.binomial(more, rates), known)
            now += _sums(*cohorts[place][2:4], *known)
        yield each * (look + 1), now


_NAMES = ("x", "x2", "y", "y2", "xy", "a", "a2", "b", "b2", "ab", "xa", "xb", "ya", "yb")
_PLAIN = 5


def _sums(x: Counts, y: Counts, *before: Counts) -> Floats:
    parts = [x, x * x, y, y * y, x * y]
    if before:
        a, b = before
        parts += [a, a * a, b, b * b, a * b, x * a, x * b, y * a, y * b]
    return np.stack([part.sum(axis=2) for part in parts]).astype(np.float64)


class _Found:
    """What was found in the trials so far."""

    def __init__(self) -> None:
        # How many experiments found a difference, by the four ways, and by the two that are adjusted.
        self._totals = np.zeros(6, dtype=np.int64)
        # Looks that each experiment had until it first did, plain and adjusted; and what was saved.
        self._looks, self._saved = np.zeros(2, dtype=np.int64), 0.0

    def judge(self, trials: Trials, count: int, looks: Iterator[tuple[int, Floats]]) -> None:
        """Take in a block of experiments."""
        level = trials.plan.alpha
        always, fixed, peeked, naive, better, better_fixed = np.zeros((6, count), dtype=bool)
        saved = np.zeros(count)
        for n, sums in looks:
            x, x2, y, y2, xy = sums[:_PLAIN]
            value, variance = ratio(n, x, x2, y, y2, xy)
            gap, total = np.abs(value[:, 1] - value[:, 0]), variance.sum(axis=1)
            self._looks += (~always).sum(), (~better).sum()
            fixed = gap > fixed_half_width(total, level)
            naive = gap > fixed_half_width((value * (1 - value) / x).sum(axis=1), level)
            if len(sums) > _PLAIN:
                other, left = _adjusted(n, sums, gap, total)
                better_fixed, saved = other > fixed_half_width(left, level), 1 - left / total
                better |= (n >= trials.least) & (other > half_width(left, trials.plan.variance, level))
            if n >= trials.least:
                always |= gap > half_width(total, trials.plan.variance, level)
                peeked |= fixed
        self._totals += [int(each.sum()) for each in (always, fixed, peeked, naive, better, better_fixed)]
        self._saved += float(saved.sum())

    def outcomes(self, trials: Trials, batch: int) -> Outcomes:
        """All of it, batches of both arms together being so large."""
        always, fixed, peeked, naive, better, better_fixed = map(int, self._totals)
        plain, other = (float(looks) * batch / trials.experiments for looks in self._looks)
        known = Adjusted(
            always_valid=better, fixed=better_fixed, shoppers=other, saved=self._saved / trials.experiments
        )
        return Outcomes(
            experiments=trials.experiments,
            always_valid=always,
            fixed=fixed,
            peeked=peeked,
            by_impressions=naive,
            shoppers=plain,
            adjusted=known if trials.before else None,
        )


def _adjusted(n: int, sums: Floats, gap: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """(size of the difference, its variance) of each experiment as reports tell them: the plain ones where nobody is
    known."""
    found = np.stack([gap, variance])
    for place in range(sums.shape[1]):
        arms = {}
        for arm in (0, 1):
            own = dict(zip(_NAMES, map(int, sums[:, place, arm]), strict=True))
            arms[str(arm)] = ShopperSums(n=n, **own)
        better = adjusted(arms)
        if better is not None:
            apart = difference(better["1"], better["0"])
            found[:, place] = abs(apart.value), apart.variance
    return found[0], found[1]
