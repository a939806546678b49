"""The test beside others: what all lose together is no decline, what one loses alone is."""

import numpy as np
import pytest

from inference.experiment.exact import upper
from inference.fatigue.beside import against, decline_beside
from inference.fatigue.decline import Day, decline

FALLS = [Day(100, 1_000)] * 10 + [Day(50, 1_000)] * 5
ALPHA = 0.05


def test_others_that_fall_alike_explain_a_decline() -> None:
    assert against(FALLS, FALLS, 10) == 1
    assert against(FALLS, [Day(200, 1_000)] * 15, 10) == 0.5
    assert against(FALLS, [Day(0, 1_000)] * 15, 10) is None
    same, alone = decline_beside(FALLS, FALLS), decline_beside(FALLS, [Day(200, 1_000)] * 15)
    assert same is not None
    assert alone is not None
    assert same.p == 1
    assert (alone.since, alone.before, alone.after) == (10, 0.1, 0.05)
    assert alone.found(0.001)


def test_without_clicks_of_others_nothing_is_told() -> None:
    assert decline_beside(FALLS, [Day(0, 1_000)] * 15) is None
    with pytest.raises(ValueError, match="days against"):
        decline_beside(FALLS, FALLS[1:])
    shown_alone = decline_beside(FALLS, [Day(0, 0)] * 15, others_past=Day(5, 50))
    assert shown_alone is not None
    assert shown_alone.p == 1


def test_a_greater_share_of_the_looks_is_no_change_of_the_rate() -> None:
    """An arm that a policy shows ever less keeps its rate."""
    days = [Day(looks // 10, looks) for looks in range(2_000, 500, -100)]
    others = [Day(looks // 10, looks) for looks in range(500, 2_000, 100)]
    found = decline_beside(days, others)
    assert found is not None
    assert found.p > 0.3


def weeks(rng: np.random.Generator, days: int) -> np.ndarray:
    """A factor for each day: 30 % less at weekends, and 10 % (lognormal) for no lasting reason."""
    return np.where(np.arange(days) % 7 >= 5, 0.7, 1.0) * np.exp(rng.normal(0, 0.1, days))


def drawn(rng: np.random.Generator, rates: np.ndarray, looks: int) -> list[Day]:
    numbers = rng.poisson(looks, len(rates))
    return [Day(int(rng.binomial(n, rate)), int(n)) for n, rate in zip(numbers, rates, strict=True)]


@pytest.mark.statistical
def test_weekends_are_found_by_the_own_past_and_not_beside_others() -> None:
    """60 days of 1,000 looks beside 5,000 of others, at alpha = 5 %, in 300 runs. By their own past nearly all are
    found to decline; beside others the 99.9 % upper bound of the share lies below alpha.
    """
    rng = np.random.default_rng(4)
    alone, beside = 0, 0
    for _ in range(300):
        factors = weeks(rng, 60)
        own, others = drawn(rng, 0.1 * factors, 1_000), drawn(rng, 0.08 * factors, 5_000)
        found = decline_beside(own, others)
        assert found is not None
        alone, beside = alone + decline(own).found(ALPHA), beside + found.found(ALPHA)
    assert alone > 250
    assert upper(beside, 300, 0.999) < ALPHA


@pytest.mark.statistical
def test_a_planted_decline_is_found_through_weekends() -> None:
    """A rate of 10 % that halves on the 11th of 30 days, 500 looks a day beside 2,500 of others, at alpha = 1 %. Fewer
    than 95 of 100 would come up less than once in 1,000 where 99 % are found in truth.
    """
    rng = np.random.default_rng(6)
    found = 0
    for _ in range(100):
        factors = weeks(rng, 30)
        fall = np.concatenate([np.full(10, 1.0), np.full(20, 0.5)])
        beside = decline_beside(drawn(rng, 0.1 * factors * fall, 500), drawn(rng, 0.1 * factors, 2_500))
        assert beside is not None
        found += beside.found(0.01)
    assert found >= 95
