"""What cohorts of different ages say of arms today: young ones are not complete, and old ones are of another time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.decide.delay import DelayCurve

Numbers = np.ndarray[Any, np.dtype[Any]]


def weighed(
    ages_ms: Sequence[float],
    successes: Sequence[Numbers] | Numbers,
    trials: Sequence[Numbers] | Numbers,
    curve: DelayCurve,
    half_life_ms: float | None,
) -> tuple[Numbers, Numbers]:
    """Successes and trials of arms over all cohorts (at least one). `successes` and `trials` have one array for each
    cohort; what comes back has their shape.

    A cohort's trials weigh as the share of successes that have come in by its age (`inference.decide.delay`), and
    both are discounted by a half for each half-life of age. The discount forgets, so that an arm that has become
    good, or has worn out, is seen for what it is (discounted Thompson sampling: Raj and Kalyani 2017, arXiv
    1707.09727). None forgets nothing. Trials are never fewer than successes.

    Cohort is added to cohort, element by element: an arm's sums are the same to the last bit whichever other arms
    stand beside it, and so they are the same when they are made again.
    """
    won, tried = np.zeros(np.shape(successes[0])), np.zeros(np.shape(trials[0]))
    for age, success, trial in zip(ages_ms, successes, trials, strict=True):
        kept = 1.0 if half_life_ms is None else 0.5 ** (max(age, 0) / half_life_ms)
        # A cohort that is ahead of the curve has had at least as many trials as successes.
        whole = np.maximum(trial * curve.share(age), success)
        won += kept * success
        tried += kept * whole
    return won, tried
