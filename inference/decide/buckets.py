"""From the buckets that are counted to cohorts of decisions that do not overlap, each with its age.

Every decision is counted in a short bucket, which is kept for hours, in its day, kept for weeks, and in a sum for all
time. So what is older than the short buckets is a day less its short buckets, and what is older than the days is the
sum less the days. Buckets are published one by one: of one that is a moment ahead of another the difference may be
below nothing, and is then nothing, for that moment.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from inference.decide.cohorts import Numbers, weighed
from inference.decide.delay import AT_ONCE, Aged, DelayCurve, delay_curve

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


class Pair(NamedTuple):
    """Successes and trials of arms: two arrays of one shape."""

    successes: Numbers
    trials: Numbers


class Buckets(Struct, frozen=True):
    """What is counted, by the start of each bucket in ms: short ones `young_ms` long, and days; and for all time."""

    young: Mapping[int, Pair]
    days: Mapping[int, Pair]
    life: Pair
    young_ms: int


class Ageing(Struct, frozen=True):
    """How age counts. Days: after how many a cohort weighs half; None forgets nothing. Hours: after how many a cohort
    has all its successes; None where nothing is late.
    """

    half_life_days: float | None
    mature_hours: float | None

    @property
    def matters(self) -> bool:
        """Whether age plays a part at all."""
        return self.half_life_days is not None or self.mature_hours is not None


NO_AGEING = Ageing(None, None)
"""Every decision counts alike, whenever it was."""


class Cohort(NamedTuple):
    """Decisions of one age, in ms, at the middle of their time; without end for those that are older than any day."""

    age_ms: float
    counts: Pair


def cohorts(buckets: Buckets, as_of_ms: int) -> list[Cohort]:
    """The buckets as cohorts that do not overlap, the youngest first. `as_of_ms` is the start of the newest short
    bucket, at whose end they are looked at.
    """
    end = as_of_ms + buckets.young_ms
    found = [
        Cohort(end - start - buckets.young_ms / 2, buckets.young[start])
        for start in sorted(buckets.young, reverse=True)
    ]
    in_days: list[Pair] = []
    for day in sorted({*buckets.days, *(start - start % DAY_MS for start in buckets.young)}, reverse=True):
        inner = sorted(start for start in buckets.young if day <= start < day + DAY_MS)
        young = _sum([buckets.young[start] for start in inner], buckets.life)
        whole = buckets.days.get(day, young)
        until = inner[0] if inner else min(day + DAY_MS, end)
        found.append(Cohort(max(0.0, end - (day + max(until, day)) / 2), _less(whole, young)))
        in_days.append(Pair(*(np.maximum(*both) for both in zip(whole, young, strict=True))))
    return [*found, Cohort(inf, _less(buckets.life, _sum(in_days, buckets.life)))]


def counted(buckets: Buckets, as_of_ms: int, ageing: Ageing) -> tuple[Pair, DelayCurve]:
    """What the buckets say today, and the delay curve that was learned from them.

    Under a half-life nothing counts that is older than the days that are kept: how old it is, nobody knows. Of two
    weeks a half-life of 14 days leaves a half, of a month less than a quarter.
    """
    if not ageing.matters:
        return buckets.life, AT_ONCE
    *aged, older = cohorts(buckets, as_of_ms)
    curve = AT_ONCE
    if ageing.mature_hours is not None:
        sums = (Aged(int(age), float(counts.successes.sum()), float(counts.trials.sum())) for age, counts in aged)
        curve = delay_curve(sums, round(ageing.mature_hours * HOUR_MS))
    half_life = None
    if ageing.half_life_days is None:
        aged.append(older)
    else:
        half_life = ageing.half_life_days * DAY_MS
    if not aged:
        return buckets.life if half_life is None else _sum([], buckets.life), curve
    ages = [each.age_ms for each in aged]
    successes, trials = [each.counts.successes for each in aged], [each.counts.trials for each in aged]
    return Pair(*weighed(ages, successes, trials, curve, half_life)), curve


def _sum(pairs: Sequence[Pair], like: Pair) -> Pair:
    successes, trials = np.zeros(np.shape(like.successes)), np.zeros(np.shape(like.trials))
    for pair in pairs:
        successes, trials = successes + pair.successes, trials + pair.trials
    return Pair(successes, trials)


def _less(whole: Pair, part: Pair) -> Pair:
    trials = np.maximum(whole.trials - part.trials, 0.0)
    return Pair(np.clip(whole.successes - part.successes, 0.0, trials), trials)
