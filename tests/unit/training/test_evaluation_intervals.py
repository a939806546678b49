"""Figures and their intervals against known values."""

import pytest

from training.evaluation.intervals import Figure, mean, ratio, share


def test_wilson_of_8_in_10():
    """Worked out from the score formula at z = 1.959964: 0.4902 to 0.9433."""
    figure = share([True] * 8 + [False] * 2)
    assert (figure.value, figure.n) == (0.8, 10)
    assert figure.low == pytest.approx(0.49016, abs=1e-5)
    assert figure.high == pytest.approx(0.94332, abs=1e-5)


def test_nothing_of_300_is_not_known_to_be_nothing():
    figure = share([False] * 300)
    assert figure.low == 0.0
    assert figure.high == pytest.approx(1.96**2 / (300 + 1.96**2), abs=1e-4)


def test_without_units_nothing_is_known():
    nothing = Figure(value=None, low=None, high=None, n=0)
    assert share([]) == nothing
    assert mean([], 1) == nothing
    assert ratio([0, 0], [0, 0], 1) == nothing


def test_one_unit_has_no_bounds():
    assert mean([3.0], 1) == Figure(value=3.0, low=None, high=None, n=1)


def test_a_mean_s_interval_is_that_of_the_normal_where_there_are_many():
    """0 and 1 in turn, 400 of them: standard error 0.5 / 20, so 0.5 -+ 0.049."""
    figure = mean([0.0, 1.0] * 200, 7)
    assert figure.value == 0.5
    assert figure.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.006)
    assert figure.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.006)


def test_a_ratio_is_resampled_by_unit():
    """Two units of 1 in 1 and 0 in 9: resamples are both of the first (1), both of the second (0), or one of each."""
    figure = ratio([1, 0, 5], [1, 9, 0], 3)
    assert figure == Figure(value=0.1, low=0.0, high=1.0, n=2)


def test_the_same_seed_gives_the_same_interval():
    values = [1.0, 4.0, 2.0, 9.0]
    assert mean(values, 1) == mean(values, 1)
    assert mean(values, 1).value == mean(values, 2).value
