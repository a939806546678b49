"""Policies to compare: the one that serves, what it would be without its parts, and what shops do instead.

Each is told what has been counted by now, cohort by cohort, and says for each cell with what probability it shows
which arm.
"""

from collections.abc import Callable, Mapping

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from inference.decide.buckets import Ageing, Buckets, Pair, counted
from inference.decide.contextual import contextual
from inference.decide.fit import Fit, Place, Tally, fit, sharpened
from inference.decide.policy import Policy
from inference.simulate.world import ARMS, CELLS, STYLES, Numbers
from schemas.cells import DAY, YOUNG, is_kept
from schemas.policies import Contextual, PolicySnapshot


class Seen(Struct, frozen=True):
    """What is known at a moment: `shown` and `succeeded` are (cohorts, cells, arms), of cohorts `ages_ms` old.

    `part` is how much of the time has passed, 0..1; `version` counts from 1. It is `now_ms` since the beginning, and
    cohorts are `every_ms` long.
    """

    version: int
    part: float
    ages_ms: Numbers
    shown: Numbers
    succeeded: Numbers
    now_ms: int = 0
    every_ms: int = 0

    def buckets(self) -> Buckets:
        """The cohorts as collect publishes them: those of two hours by themselves, others by day, and all together."""
        young: dict[int, Pair] = {}
        days: dict[int, Pair] = {}
        for age_ms, shown, succeeded in zip(self.ages_ms, self.shown, self.succeeded, strict=True):
            start = round(self.now_ms - age_ms - self.every_ms / 2)
            if is_kept(YOUNG, start, self.now_ms) and self.every_ms <= YOUNG.keep_ms:
                young[start] = Pair(succeeded, shown)
            day = start - start % DAY.width_ms
            before = days.get(day)
            days[day] = Pair(succeeded, shown) if before is None else Pair(before[0] + succeeded, before[1] + shown)
        days = {day: pair for day, pair in days.items() if is_kept(DAY, day, self.now_ms)}
        return Buckets(young, days, Pair(self.succeeded.sum(axis=0), self.shown.sum(axis=0)), self.every_ms)


class Tuning(Struct, frozen=True, kw_only=True):
    """The settings of the policies that learn: those of `policy` and `learn` in the settings file.

    `half_life_days` and `mature_hours` are 0 where age plays no part; `test_part` is the part of the time that an A/B
    test takes, `sharpness` what beliefs are multiplied by (`inference.decide.fit.sharpened`).
    """

    epsilon: float = 0.05
    draws: int = 512
    shrinkage: float = 20.0
    half_life_days: float = 14.0
    mature_hours: float = 48.0
    sharpness: float = 4.0
    test_part: float = 0.2


class Shares(Struct, frozen=True):
    """What a policy says: `cumulative` is (cells, arms), probabilities added up from the first arm. `policy` is the
    snapshot in use, where there is one: its hash then picks, as in serving.
    """

    cumulative: Numbers
    policy: Policy | None = None


Learner = Callable[[Seen], Shares]


def learners(tuning: Tuning, seed: int) -> Mapping[str, Learner]:
    """The policies by name; those that remember something are new."""
    plain, ageless = replace(tuning, sharpness=1.0), replace(tuning, half_life_days=0.0, mature_hours=0.0)
    return {
        "serving": lambda seen: _thompson(seen, tuning, seed),
        "serving_unsharpened": lambda seen: _thompson(seen, plain, seed),
        "serving_ageless": lambda seen: _thompson(seen, ageless, seed),
        "serving_by_attributes": lambda seen: _contextual(seen, tuning, seed),
        "uniform": _even,
        "epsilon_greedy": lambda seen: _greedy(seen, tuning.epsilon),
        "ab_then_commit": _Committed(tuning.test_part, by_cell=False),
        "ab_then_commit_cells": _Committed(tuning.test_part, by_cell=True),
    }


def _thompson(seen: Seen, tuning: Tuning, seed: int) -> Shares:
    found = sharpened(fit(_tallies(seen, tuning), ARMS, tuning.shrinkage), tuning.sharpness)
    return _drawn(seen, tuning, seed, found, None)


def _tallies(seen: Seen, tuning: Tuning) -> dict[Place, Tally]:
    ageing = Ageing(tuning.half_life_days or None, tuning.mature_hours or None)
    (successes, trials), _ = counted(seen.buckets(), seen.now_ms - seen.every_ms, ageing)
    return {
        (category, segment, arm): Tally(float(successes[cell, place]), float(trials[cell, place]))
        for cell, (category, segment) in enumerate(CELLS)
        for place, arm in enumerate(ARMS)
    }


def _drawn(seen: Seen, tuning: Tuning, seed: int, found: Fit, about: Contextual | None) -> Shares:
    policy = Policy(
        PolicySnapshot(
            version=seen.version,
            experiment="simulated",
            created_ms=0,
            seed=f"simulated:{seed}:{seen.version}",
            epsilon=tuning.epsilon,
            draws=tuning.draws,
            prior=found.prior,
            cells=found.cells,
            contextual=about,
        )
    )
    return Shares(np.array([policy.choices(*cell, ARMS).cumulative for cell in CELLS]), policy)


def _contextual(seen: Seen, tuning: Tuning, seed: int) -> Shares:
    about = contextual(_tallies(seen, tuning), STYLES, tuning.sharpness)
    return _drawn(seen, tuning, seed, Fit({}, [], 0), about)


def _even(_seen: Seen) -> Shares:
    return _shares(np.full((len(CELLS), len(ARMS)), 1 / len(ARMS)))


def _greedy(seen: Seen, epsilon: float) -> Shares:
    """The arm with the highest rate counted so far in the cell; one that was never shown first."""
    best = _rates(seen.succeeded.sum(axis=0), seen.shown.sum(axis=0)).argmax(axis=1)
    return _shares((1 - epsilon) * np.eye(len(ARMS))[best] + epsilon / len(ARMS))


class _Committed:
    """An even split for a part of the time, and from then on the winner, in each cell or in all, whatever comes."""

    def __init__(self, part: float, *, by_cell: bool) -> None:
        self._part, self._by_cell = part, by_cell
        self._won: Numbers | None = None

    def __call__(self, seen: Seen) -> Shares:
        if seen.part < self._part:
            return _even(seen)
        if self._won is None:
            successes, trials = seen.succeeded.sum(axis=0), seen.shown.sum(axis=0)
            if not self._by_cell:
                successes, trials = (np.tile(each.sum(axis=0), (len(CELLS), 1)) for each in (successes, trials))
            self._won = _rates(successes, trials).argmax(axis=1)
        return _shares(np.eye(len(ARMS))[self._won])


def _rates(successes: Numbers, trials: Numbers) -> Numbers:
    return np.where(trials > 0, successes / np.maximum(trials, 1), np.inf)


def _shares(probabilities: Numbers) -> Shares:
    sums = np.cumsum(probabilities, axis=1)
    # Sums of floats may stop a hair below 1, and whatever comes behind the last arm that can be drawn is past it.
    sums[sums > 1 - 1e-9] = 1.0
    return Shares(sums)
