"""The test for a declining click rate: exact chances, its error rate under every day's look, its power."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom, nchypergeom_fisher

from inference.experiment.exact import upper
from inference.fatigue.chances import at_most, at_most_by_odds
from inference.fatigue.decline import Day, decline

ALPHA = 0.05


@given(st.integers(0, 300), st.integers(0, 300), st.data())
def test_the_chance_is_the_hypergeometric_one(whole: int, drawn: int, data: st.DataObject) -> None:
    drawn = min(drawn, whole)
    marked = data.draw(st.integers(0, whole))
    found = data.draw(st.integers(0, drawn))
    wanted = float(hypergeom.cdf(found, whole, marked, drawn)) if whole else 1.0
    assert at_most(found, drawn, marked, whole) == pytest.approx(wanted, abs=1e-9)


@given(st.integers(1, 120), st.integers(0, 120), st.floats(0.05, 20), st.data())
def test_the_chance_by_odds_is_fishers_noncentral_one(whole: int, drawn: int, odds: float, data: st.DataObject) -> None:
    drawn = min(drawn, whole)
    marked = data.draw(st.integers(0, whole))
    found = data.draw(st.integers(0, drawn))
    wanted = float(nchypergeom_fisher.cdf(found, whole, marked, drawn, odds))
    assert at_most_by_odds(found, drawn, marked, whole, odds) == pytest.approx(wanted, abs=1e-6)
    assert at_most_by_odds(found, drawn, marked, whole, 1.0) == pytest.approx(at_most(found, drawn, marked, whole))


def test_large_days_are_no_trouble() -> None:
    assert at_most(95_000, 1_000_000, 2_000_000, 20_000_000) < 1e-60
    assert at_most(100_000, 1_000_000, 2_000_000, 20_000_000) == pytest.approx(0.5, abs=0.01)


def days_of(rng: np.random.Generator, rates: np.ndarray, looks: int) -> list[Day]:
    numbers = rng.poisson(looks, len(rates))
    return [Day(int(rng.binomial(n, rate)), int(n)) for n, rate in zip(numbers, rates, strict=True)]


def alarms(runs: int, rates: np.ndarray, looks: int, seed: int, alpha: float = ALPHA) -> int:
    rng = np.random.default_rng(seed)
    return sum(decline(days_of(rng, rates, looks)).found(alpha) for _ in range(runs))


@pytest.mark.statistical
@pytest.mark.parametrize("rate", [0.02, 0.2])
def test_a_rate_that_stays_is_found_to_decline_no_oftener_than_alpha_though_every_day_is_looked_at(rate: float) -> None:
    """60 days each. The 99.9 % upper bound of the share of alarms in 400 runs lies below alpha: Ville's inequality
    leaves room, in 1,000 runs 0 and 4 alarms were counted.
    """
    found = alarms(400, np.full(60, rate), 300, seed=1)
    assert upper(found, 400, 0.999) < ALPHA


@pytest.mark.statistical
def test_the_bound_holds_for_a_life_of_which_only_the_newest_days_are_held() -> None:
    """60 days, looked at every day with the newest 14 and the sum of all others, as learn does it. The 99.9 % upper
    bound of the share of lives that were ever found to decline in 300 runs lies below alpha.
    """
    rng = np.random.default_rng(5)
    assert upper(sum(ever_found(days_of(rng, np.full(60, 0.1), 200), 14) for _ in range(300)), 300, 0.999) < ALPHA


def ever_found(days: list[Day], kept: int) -> bool:
    past = Day(0, 0)
    for number in range(len(days)):
        if number >= kept:
            gone = days[number - kept]
            past = Day(past.clicks + gone.clicks, past.impressions + gone.impressions)
        if decline(days[max(0, number + 1 - kept) : number + 1], past).found(ALPHA):
            return True
    return False


@given(st.lists(st.integers(0, 40), min_size=2, max_size=8), st.integers(1, 7))
def test_a_sum_of_the_first_days_never_finds_more_than_the_days_themselves(clicks: list[int], cut: int) -> None:
    days = [Day(count, 400) for count in clicks]
    gone = days[:cut]
    past = Day(sum(day.clicks for day in gone), sum(day.impressions for day in gone))
    assert decline(days[cut:], past).evidence <= decline(days).evidence * (1 + 1e-9)


@pytest.mark.statistical
def test_a_rate_that_rises_is_hardly_ever_found_to_decline() -> None:
    assert alarms(100, np.linspace(0.1, 0.2, 40), 300, seed=2) <= 1


@pytest.mark.statistical
@pytest.mark.parametrize(("drop", "least"), [(0.3, 0.85), (0.5, 0.98)])
def test_a_planted_decline_is_found(drop: float, least: float) -> None:
    """A rate of 10 % that falls by `drop` on the 11th of 30 days, 500 looks a day, at alpha = 1 %. Where 97 % and all
    are found in truth (docs/fatigue.md), fewer than `least` of 100 runs come up less than once in 10,000.
    """
    rates = np.concatenate([np.full(10, 0.1), np.full(20, 0.1 * (1 - drop))])
    assert alarms(100, rates, 500, seed=3, alpha=0.01) >= 100 * least


def test_figures_name_the_day_and_the_rates_around_it() -> None:
    days = [Day(100, 1_000)] * 10 + [Day(50, 1_000)] * 5
    found = decline(days)
    assert (found.since, found.before, found.after, found.days) == (10, 0.1, 0.05, 15)
    assert found.evidence == pytest.approx(1 / found.p)
    assert found.found(0.001)


@pytest.mark.parametrize("days", [[], [Day(3, 10)], [Day(0, 0)] * 5, [Day(0, 100)] * 5])
def test_without_a_past_or_a_click_nothing_is_found(days: list[Day]) -> None:
    assert decline(days).p == 1


def test_more_clicks_than_impressions_are_refused() -> None:
    with pytest.raises(ValueError, match="clicks of"):
        decline([Day(2, 1)])
