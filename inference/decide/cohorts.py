"""What cohorts of different ages say of arms today: young ones are not complete, and old ones are of another time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.decide.delay import DelayCurve

Numbers = np.ndarray[Any, np.dtype[Any]]


def weighed(
    ages_ms: Sequence[float], successes: Numbers, trials: Numbers, curve: DelayCurve, half_life_ms: float | None
) -> tuple[Numbers, Numbers]:
    """Successes and trials of arms over all cohorts. `successes` and `trials` are (cohorts, ...), what comes back
    (...).

    A cohort's trials weigh as the share of successes that have come in by its age (`inference.decide.delay`), and
    both are discounted by a half for each half-life of age. The discount forgets, so that an arm that has become
    good, or has worn out, is seen for what it is (discounted Thompson sampling: Raj and Kalyani 2017, arXiv
    1707.09727). None forgets nothing. Trials are never fewer than successes.
    """
    ages = np.asarray(ages_ms, np.float64)
    kept = np.ones(len(ages)) if half_life_ms is None else 0.5 ** (np.maximum(ages, 0) / half_life_ms)
    shares = np.array([curve.share(age) for age in ages])
    along = (slice(None), *(None,) * (trials.ndim - 1))
    # A cohort that is ahead of the curve has had at least as many trials as successes.
    whole = np.maximum(trials * shares[along], successes)
    return np.tensordot(kept, successes, 1), np.tensordot(kept, whole, 1)
