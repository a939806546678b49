"""The delay curve and the half-life: by hand, by property, and on planted delays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.decide.cohorts import weighed
from inference.decide.delay import AT_ONCE, Aged, DelayCurve, delay_curve, monotone

FEW = st.integers(0, 50)


def test_the_curve_by_hand() -> None:
    cohorts = [Aged(10, 5, 100), Aged(20, 4, 100), Aged(30, 8, 100), Aged(99, 50, 500), Aged(200, 150, 1500)]
    curve = delay_curve(cohorts, mature_ms=99)
    # The second falls below the first: both are 9 of 200.
    assert curve.ages_ms == (10, 20, 30, 99)
    assert curve.shares == pytest.approx((0.45, 0.45, 0.8, 1.0))
    assert [curve.share(age) for age in (0, 5, 15, 25, 99, 10**9)] == pytest.approx([0, 0.225, 0.45, 0.625, 1, 1])


def test_without_mature_cohorts_nothing_is_late() -> None:
    assert delay_curve([Aged(10, 5, 100), Aged(200, 99, 1000)], mature_ms=99) == AT_ONCE
    assert AT_ONCE.share(1) == AT_ONCE.share(0) == 1.0


@given(st.lists(st.tuples(st.integers(1, 200), FEW, st.integers(50, 99)), min_size=1, max_size=20), st.integers(1, 300))
def test_a_curve_rises_from_nothing_to_one(counts: list[tuple[int, int, int]], age: int) -> None:
    curve = delay_curve([*(Aged(*each) for each in counts), Aged(500, 100, 1000)], mature_ms=300)
    assert curve.share(0) == 0
    assert 0 <= curve.share(age) <= curve.share(age + 1) <= curve.share(300) == 1


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 9)), min_size=1, max_size=30))
def test_pooling_is_the_closest_rising_sequence(pairs: list[tuple[float, float]]) -> None:
    from scipy.optimize import isotonic_regression

    values, weights = zip(*pairs, strict=True)
    assert monotone(values, weights) == pytest.approx(isotonic_regression(values, weights=weights).x, abs=1e-9)


def test_weighing_by_hand() -> None:
    curve = DelayCurve((10, 100), (0.5, 1.0))
    successes, trials = np.array([[3.0, 9.0], [10.0, 0.0]]), np.array([[10.0, 10.0], [40.0, 8.0]])
    won, tried = weighed([10, 110], successes, trials, curve, half_life_ms=100)
    old, young = 0.5**1.1, 0.5**0.1
    assert won == pytest.approx([3 * young + 10 * old, 9 * young])
    # The second arm is ahead of the curve: nine successes took nine trials at least.
    assert tried == pytest.approx([5 * young + 40 * old, 9 * young + 8 * old])


def test_without_a_half_life_and_delay_it_is_the_sum() -> None:
    successes, trials = np.array([[1.0], [2.0]]), np.array([[4.0], [9.0]])
    assert weighed([5, 50], successes, trials, AT_ONCE, None) == (pytest.approx([3.0]), pytest.approx([13.0]))


@pytest.mark.statistical
def test_a_planted_delay_is_found() -> None:
    """A million clicks late by an exponential time: every share within 0.03, ten standard errors, of the true one."""
    rng = np.random.default_rng(5)
    ages = np.arange(1, 25) * 5.0
    young = [Aged(int(age), float(rng.binomial(40_000, 0.3 * (1 - np.exp(-age / 30)))), 40_000) for age in ages]
    curve = delay_curve([*young, Aged(1_000, 300_000, 1_000_000)], mature_ms=1_000)
    for age in ages:
        assert curve.share(age) == pytest.approx(1 - np.exp(-age / 30), abs=0.03)
