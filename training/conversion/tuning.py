"""How a policy is best begun, found by trying: on past tests that the scores' models had not seen, by expected clicks.

The likeliest prior (`training.conversion.prior`) says what arms are like. It does not say which prior earns the most
clicks before a test's impressions are spent: that depends on how many they are and how the policy explores. So the
likeliest slope is kept as the unit, and what it is multiplied by, the evidence, and the sharpness of the draws are
those of a small grid that did best.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
from msgspec import Struct

from inference.decide.warm import Prior
from inference.simulate.bandit import Rules, expected_clicks
from inference.simulate.past_tests import Known, Start
from training.conversion.design import Matrix
from training.conversion.prior import FittedPrior

EVIDENCE = (20.0, 100.0, 400.0)
SHARPNESS = (1.0, 2.0, 4.0, 8.0)
SLOPES = (1.0, 2.0, 3.0)
# What is looked for is a few tenths of a point of clicks, and the policy's own chance moves one run over 2,000 tests by
# 0.15. With 500 tests and 4 repeats the choice among settings was chance's, and warm starts came out below cold ones.
MOST_TESTS = 2_000
_RULES = Rules(batches=100, repeats=8, draws=4)
_NOTHING = Prior(evidence=1.0)


class Begun(Struct, frozen=True):
    """The best beginning without a model and with it, at one sharpness, and the likeliest prior that it was found
    from.
    """

    cold: Prior
    warm: Prior
    fitted: FittedPrior


Fitted = Callable[[str], FittedPrior]
"""The prior for a group."""
Without = frozenset[str]
"""Groups that a choice may not rest on."""


def tuned(
    tests: Sequence[Known], scores: Sequence[float], fitted: Fitted, parts: Sequence[Without], seed: int
) -> list[tuple[Prior, Prior]]:
    """For each of `parts` the cold and the warm beginning with the most clicks over all tests but those of its groups.

    MOST_TESTS tests are run at most, each with the prior that was fitted for its group.
    """
    order = np.random.default_rng(seed).permutation(len(tests))[:MOST_TESTS]
    some = [tests[place] for place in sorted(order)]
    kept = [np.array([known.group not in without for known in some]) for without in parts]

    def clicks(setting: Setting) -> Matrix:
        start = Start({known.group: _prior(fitted(known.group), setting) for known in some}, _NOTHING, scores)
        races = [start.race(known) for known in some]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.asarray(expected_clicks(races, _RULES, seed, pool.map).mean(axis=1))

    found = {setting: clicks(setting) for setting in product(SHARPNESS, EVIDENCE, (0.0,))}
    cold = [_best(found, rows) for rows in kept]
    # The model's part is to be told from sharper draws': both have the sharpness that is best without it.
    sharp = sorted({setting[0] for setting in cold})
    found = {setting: clicks(setting) for setting in product(sharp, EVIDENCE, SLOPES)}
    chosen = []
    for (sharpness, evidence, _), rows, without in zip(cold, kept, parts, strict=True):
        warm = _best({setting: each for setting, each in found.items() if setting[0] == sharpness}, rows)
        own = fitted(next(iter(sorted(without)), ""))
        chosen.append((_prior(own, (sharpness, evidence, 0.0)), _prior(own, warm)))
    return chosen


Setting = tuple[float, float, float]
"""(sharpness, evidence, slope as a multiple of the likeliest)."""


def _best(found: Mapping[Setting, Matrix], rows: Matrix) -> Setting:
    return max(found, key=lambda setting: float(found[setting][rows].sum()))


def _prior(fitted: FittedPrior, setting: Setting) -> Prior:
    sharpness, evidence, slope = setting
    return Prior(evidence=evidence, sharpness=sharpness, usual=fitted.usual, slope=slope * fitted.slope)
