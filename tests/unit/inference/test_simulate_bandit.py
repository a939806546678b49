"""The bandit on past tests: truths by hand, batches that add up, and starts that do what they say."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.decide.warm import Prior, moved
from inference.simulate.bandit import Race, Rules, _given, expected_clicks
from inference.simulate.past_tests import PLAIN, Start, compared, known_tests
from inference.simulate.truth import shrunk_rates
from schemas.arms import Arm

RULES = Rules(batches=20, repeats=40, draws=8)


def arm(test: str, clicks: int, impressions: int = 1000, *, group: str = "g", excluded: bool = False) -> Arm:
    return Arm(
        test=test, group=group, text=f"{test} {clicks}", impressions=impressions, clicks=clicks, excluded=excluded
    )


def test_truths_by_hand() -> None:
    # m = 0.05; chance 0.0475 / 1000; between 2 * 0.02^2; so arms keep 1 - 0.0475 / 0.8 of their distance.
    kept = 1 - 0.0000475 / 0.0008
    assert shrunk_rates([1000, 1000], [30, 70]) == pytest.approx([0.05 - 0.02 * kept, 0.05 + 0.02 * kept])
    assert shrunk_rates([1000, 1000], [49, 51]).tolist() == [0.05, 0.05]
    # The smaller arm is shrunk more.
    small, _, large = shrunk_rates([200, 1000, 1000], [2, 50, 90])
    assert 0.01 < small < 0.05 < large < 0.09


@pytest.mark.parametrize(("seen", "clicked"), [([10], [1]), ([10, 0], [1, 0])])
def test_no_test_no_truth(seen: list[int], clicked: list[int]) -> None:
    with pytest.raises(ValueError, match="two arms"):
        shrunk_rates(seen, clicked)


@given(st.integers(1, 6), st.integers(0, 500), st.integers(0, 2**32 - 1))
def test_a_batch_is_given_out_whole(arms: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(arms), (3, 5)).transpose(2, 0, 1)
    given_out = _given(shares, np.full((3, 1), size), rng)
    assert (given_out.sum(axis=0) == size).all()
    assert (np.abs(given_out - shares * size) <= 1 + 1e-6).all()


def test_equal_arms_cannot_be_told_apart_and_one_arm_is_certain() -> None:
    races = [Race([0.1, 0.1, 0.1], 3000, Prior(evidence=20.0), [0, 0, 0]), Race([0.2, 0.2], 1000, PLAIN, [0, 0])]
    assert expected_clicks(races, RULES, 1) == pytest.approx(np.array([[300.0] * 40, [200.0] * 40]))


def test_it_learns_and_stays_below_the_best() -> None:
    races = [Race([0.02, 0.06], 4000, Prior(evidence=20.0), [0, 0])] * 3
    clicks = expected_clicks(races, RULES, 1)
    assert (clicks <= 240).all()
    assert clicks.mean() > 220


def test_threads_and_the_order_of_tests_change_nothing() -> None:
    rng = np.random.default_rng(2)
    races = [Race(list(rng.uniform(0.01, 0.05, n)), 2000, PLAIN, [0.0] * n) for n in (2, 3, 2, 4, 3)]
    alone = expected_clicks(races, RULES, 7)
    with ThreadPoolExecutor(3) as pool:
        assert np.array_equal(expected_clicks(races, RULES, 7, pool.map), alone)


def test_a_right_prediction_helps_and_a_wrong_one_costs() -> None:
    races = {
        slope: [Race([0.02, 0.03, 0.04], 1500, Prior(evidence=500.0, slope=slope, usual=0.03), [-0.5, 0, 0.5])] * 20
        for slope in (0.5, 0.0, -0.5)
    }
    right, none, wrong = (expected_clicks(races[slope], RULES, 1).mean() for slope in (0.5, 0.0, -0.5))
    assert right > none + 0.5 > none > wrong + 0.5


def test_moving_a_rate_is_in_log_odds() -> None:
    assert moved(np.array([0.5]), np.array([np.log(3)])) == pytest.approx([0.75])
    assert moved(np.array([0.2]), np.array([0.0])) == pytest.approx([0.2])


def test_what_is_left_out_is_counted() -> None:
    arms = [
        arm("a", 30),
        arm("a", 70),
        arm("b", 9),
        arm("c", 5, excluded=True),
        arm("c", 9, excluded=True),
        arm("d", 0, 0),
    ]
    tests, left = known_tests(arms)
    assert [(known.test, known.impressions, known.places) for known in tests] == [("a", 2000, [0, 1])]
    assert left == {"excluded_arms": 2, "unseen_arms": 1, "lone_tests": 1}


def test_the_figures_are_ratios_over_all_tests() -> None:
    arms = [arm(f"t{n}", clicks, group=f"g{n}") for n in range(12) for clicks in (30, 70)]
    tests, _ = known_tests(arms)
    found = compared(tests, {"cold": Start({}, Prior(evidence=20.0))}, RULES, 1)
    over = found["over_uniform"]
    best = tests[0].rates.max() / tests[0].rates.mean() - 1
    assert over["oracle"] == pytest.approx({"value": best, "low": best, "high": best})
    assert 0 < over["cold"]["low"] <= over["cold"]["value"] <= over["cold"]["high"] < best
    assert over["cold"]["repeats_low"] < over["cold"]["value"] < over["cold"]["repeats_high"]
    assert (found["groups"], found["above"]) == (12, {})
