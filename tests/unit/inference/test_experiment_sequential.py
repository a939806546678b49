"""Always-valid intervals, their tuning, power before the start, and simulated error rates."""

from math import e, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import lambertw

from inference.experiment.exact import inside, lower, upper
from inference.experiment.power import size
from inference.experiment.sequential import fixed_half_width, half_width, least_width, p_value, tuned_time
from inference.experiment.trials import Trials, planned, run

ALPHAS = st.floats(1e-6, 0.5)


@given(ALPHAS)
def test_the_tuned_time_is_lamberts(alpha: float) -> None:
    assert tuned_time(alpha) == pytest.approx(float((-lambertw(-(alpha**2) / e, -1) - 1).real), rel=1e-9)


@given(ALPHAS, st.integers(2, 10**7), st.floats(1e-4, 1e4), st.floats(0.01, 100))
def test_the_interval_is_the_papers(alpha: float, t: int, deviation: float, ahead: float) -> None:
    """Theorem 2.2 of arXiv 2103.06476, with rho tuned for the time `ahead` * t."""
    rho = sqrt(tuned_time(alpha) / (ahead * t))
    paper = deviation * sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * log(sqrt(t * rho**2 + 1) / alpha))
    variance = deviation**2 / t
    assert float(half_width(variance, variance / ahead, alpha)) == pytest.approx(paper, rel=1e-9)


@given(ALPHAS, st.floats(1e-6, 1e3), st.floats(-5, 5))
def test_it_is_narrowest_where_it_is_tuned(alpha: float, planned_variance: float, other: float) -> None:
    best = float(half_width(planned_variance, planned_variance, alpha)) / sqrt(planned_variance)
    assert best == pytest.approx(least_width(alpha))
    variance = planned_variance * 10**other
    assert float(half_width(variance, planned_variance, alpha)) / sqrt(variance) >= best * (1 - 1e-12)
    assert best > float(fixed_half_width(1.0, alpha))


@given(ALPHAS, st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_at_the_intervals_end_the_p_value_is_alpha(alpha: float, variance: float, planned_variance: float) -> None:
    end = float(half_width(variance, planned_variance, alpha))
    assert float(p_value(end, variance, planned_variance, alpha)) == pytest.approx(alpha, rel=1e-6)
    assert float(p_value(0.0, variance, planned_variance, alpha)) == 1.0


def test_nothing_learned_is_no_interval() -> None:
    assert float(half_width(0.0, 1.0, 0.05)) == float("inf")
    assert float(p_value(0.1, 0.0, 1.0, 0.05)) == 1.0
    assert np.isnan(half_width(float("nan"), 1.0, 0.05))
    with pytest.raises(ValueError, match="alpha"):
        tuned_time(1.0)


@pytest.mark.statistical
def test_over_ten_thousand_looks_a_walk_is_left_as_rarely_as_promised() -> None:
    """1,000 walks of normal steps, looked at after every step from the 10th: at most 5 % ever leave. The expected share
    is under 5 %, so more than 7.3 % (73) has a probability under 0.001."""
    drawn = np.random.Generator(np.random.PCG64(11))
    sums = np.cumsum(drawn.standard_normal((1000, 10_000), dtype=np.float32), axis=1, dtype=np.float64)
    t = np.arange(1, 10_001)
    bound = t * half_width(1 / t, 1 / 500, 0.05)
    left = (np.abs(sums) > bound)[:, 9:].any(axis=1).sum()
    usual = (np.abs(sums) > t * fixed_half_width(1 / t, 0.05))[:, 9:].any(axis=1).sum()
    assert left <= 73
    assert usual > 400


def test_the_fixed_size_is_the_textbooks() -> None:
    """Two shares of one impression each: 0.10 against 0.12, both 80 % and 5 %: 3,839 an arm (unpooled)."""
    found = size(baseline=0.1, effect=0.2, per_shopper=1, design_effect=1, alpha=0.05, power=0.8, shares=(0.5, 0.5))
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert found.fixed == pytest.approx(2 * z**2 * (0.1 * 0.9 + 0.12 * 0.88) / 0.02**2, abs=1)
    assert found.always_valid > found.fixed
    assert found.variance == pytest.approx((0.02 / (least_width(0.05) + stats.norm.ppf(0.8))) ** 2)


def test_variants_share_the_error_rate_and_the_smallest_decides() -> None:
    asked = {"baseline": 0.1, "effect": -0.1, "per_shopper": 12.0, "design_effect": 2.0, "alpha": 0.05, "power": 0.9}
    two = size(**asked, shares=(0.5, 0.5))
    three = size(**asked, shares=(0.5, 0.3, 0.2))
    assert three.alpha == pytest.approx(0.025)
    assert three.always_valid > 1.75 * two.always_valid > 0


@pytest.mark.parametrize(
    "wrong", [{"baseline": 0.0}, {"effect": 0.0}, {"effect": 9.5}, {"power": 1.0}, {"shares": (1.0,)}]
)
def test_a_plan_that_is_none_is_refused(wrong) -> None:
    usual = {"baseline": 0.1, "effect": 0.2, "per_shopper": 10.0, "design_effect": 2.0, "alpha": 0.05, "power": 0.8}
    with pytest.raises(ValueError, match=r".+"):
        size(**{**usual, "shares": (0.5, 0.5), **wrong})


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 10), (10, 10), (65, 1000)])
def test_exact_bounds_are_the_betas(successes: int, trials: int) -> None:
    high = 1.0 if successes == trials else stats.beta.ppf(0.95, successes + 1, trials - successes)
    low = 0.0 if successes == 0 else stats.beta.ppf(0.05, successes, trials - successes + 1)
    assert upper(successes, trials) == pytest.approx(high, abs=1e-9)
    assert lower(successes, trials) == pytest.approx(low, abs=1e-9)
    with pytest.raises(ValueError, match="no share"):
        upper(trials + 1, trials)


@pytest.mark.statistical
def test_a_and_as_and_planted_effects_peeked_after_every_batch() -> None:
    """1,000 of each. Always-valid: the rate is near 1.5 %, and its 95 % upper bound has to be 6.5 % or less. One look:
    within the exact 99.9 % interval of 5 %. Power: 80 % was planned, 84 % is usual (under 80 %: 1 in 1,000).
    """
    plan = planned(0.1, 0.3, 10, 0.05, 0.8)
    asked = {"experiments": 1000, "peeks": 10, "baseline": 0.1, "plan": plan, "least": 100}
    same, planted = run(Trials(true_effect=0.0, **asked), 1), run(Trials(true_effect=0.3, **asked), 2)
    assert upper(same.always_valid, 1000) <= 0.065
    assert inside(same.fixed, 1000, 0.05, 0.999)
    assert lower(same.peeked, 1000) > 0.10
    assert lower(same.by_impressions, 1000) > 0.10
    assert planted.always_valid >= 800
    assert planted.shoppers < plan.always_valid
    assert run(Trials(true_effect=0.0, **asked), 1) == same
