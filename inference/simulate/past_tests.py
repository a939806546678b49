"""What a policy would have made of past tests: clicks over an even split, with intervals by story."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from inference.decide.warm import Prior
from inference.simulate.bandit import Each, Numbers, Race, Rules, expected_clicks
from inference.simulate.truth import shrunk_rates
from schemas.arms import Arm

# Percentiles of 2,000 resamples hardly move with the seed at the digits that are shown.
RESAMPLES = 2_000
_BOUNDS = (2.5, 97.5)

PLAIN = Prior(evidence=2.0)
"""Beta(1, 1) before anything is seen, as in textbooks."""


class Known(Struct, frozen=True):
    """One past test: its arms in their order, their true rates, and where each stands among all arms given."""

    test: str
    group: str
    impressions: int
    rates: Numbers
    places: list[int]


class Start(Struct, frozen=True):
    """How a policy begins: the prior of each test's group, and a score for each arm given (0 for all: cold)."""

    priors: Mapping[str, Prior]
    otherwise: Prior
    scores: Sequence[float] | None = None

    def race(self, known: Known) -> Race:
        """A test under this start."""
        own = np.zeros(len(known.places))
        if self.scores is not None:
            own = np.array([self.scores[place] for place in known.places])
        prior = self.priors.get(known.group, self.otherwise)
        return Race(list(known.rates), known.impressions, prior, list(own - own.mean()))


def known_tests(arms: Sequence[Arm]) -> tuple[list[Known], dict[str, int]]:
    """The tests that can be run, and how many arms and tests were left out, by why."""
    by_test: defaultdict[str, list[int]] = defaultdict(list)
    left = {"excluded_arms": 0, "unseen_arms": 0, "lone_tests": 0}
    for place, arm in enumerate(arms):
        if arm.excluded:
            left["excluded_arms"] += 1
        elif arm.impressions == 0:
            left["unseen_arms"] += 1
        else:
            by_test[arm.test].append(place)
    found = []
    for test, places in by_test.items():
        if len(places) < 2:
            left["lone_tests"] += 1
            continue
        seen, clicked = [arms[p].impressions for p in places], [arms[p].clicks for p in places]
        found.append(Known(test, arms[places[0]].group, sum(seen), shrunk_rates(seen, clicked), places))
    return found, left


def compared(
    tests: Sequence[Known], starts: Mapping[str, Start], rules: Rules, seed: int, each: Each = map
) -> dict[str, Any]:
    """`over_uniform` by name of the start, and of the oracle that shows the best arm alone: expected clicks over
    those of an even split, less 1, over all tests; `above` is what each start has over the one before it.

    `low` and `high` are a 95 % interval of other tests of the kind: groups are resampled, since the tests of a story
    are not independent. `repeats_low` and `repeats_high` hold 95 % of the repeats: chance of the policy's own.
    """
    even = np.array([known.impressions * known.rates.mean() for known in tests])
    best = np.array([known.impressions * known.rates.max() for known in tests])
    clicks = {
        name: expected_clicks([start.race(known) for known in tests], rules, seed, each)
        for name, start in starts.items()
    }
    group = np.unique([known.group for known in tests], return_inverse=True)[1]
    columns = [even, *(found.mean(axis=1) for found in clicks.values()), best]
    table = np.stack([np.bincount(group, column) for column in columns], axis=1)
    count = len(table)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), RESAMPLES) @ table
    over, again = table.sum(axis=0) / table[:, 0].sum() - 1, drawn / drawn[:, :1] - 1
    names = list(starts)
    rows = {name: _figure(over[k], again[:, k]) for k, name in enumerate([*names, "oracle"], start=1)}
    for name, found in clicks.items():
        low, high = np.percentile(found.sum(axis=0) / even.sum() - 1, _BOUNDS)
        rows[name] |= {"repeats_low": float(low), "repeats_high": float(high)}
    return {
        "over_uniform": rows,
        "above": {
            f"{name}_over_{names[k - 1]}": _figure(over[k + 1] - over[k], again[:, k + 1] - again[:, k])
            for k, name in enumerate(names)
            if k
        },
        "groups": count,
    }


def _figure(value: float, drawn: Numbers) -> dict[str, float]:
    low, high = np.percentile(drawn, _BOUNDS)
    return {"value": float(value), "low": float(low), "high": float(high)}
