"""What a candidate would have got: against cases with a known answer, in logs whose policy moved with what it saw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.decide.policy import Policy
from inference.experiment.offpolicy import NOTHING, gain, judged, quantile
from inference.simulate.learners import Seen, Tuning, learners
from inference.simulate.play import play
from inference.simulate.traffic import Setting, Traffic, make_traffic
from inference.simulate.world import ARMS, CELLS
from schemas.policies import Beta, Cell, PolicySnapshot

HOUR_MS = 3_600_000


def candidate(traffic: Traffic, chance: np.random.Generator) -> Policy:
    """A belief about the shop's rates that is off by chance, and knows nothing of what came of the decisions."""
    cells = []
    for place, (category, segment) in enumerate(CELLS):
        rates = traffic.rates[traffic.cell == place].mean(axis=0)
        rough = rates * np.exp(chance.normal(0, 0.3, len(ARMS)))
        beliefs = {arm: Beta(60 * rate, 60 * (1 - rate)) for arm, rate in zip(ARMS, rough.clip(0.01, 0.9), strict=True)}
        cells.append(Cell(category=category, segment=segment, arms=beliefs))
    return Policy(
        PolicySnapshot(
            version=1, experiment="x", created_ms=0, seed=f"c{chance.random()}", epsilon=0.05, prior={}, cells=cells
        )
    )


def probabilities(policy: Policy, traffic: Traffic) -> np.ndarray:
    """(decisions, arms)."""
    return np.array([policy.choices(*cell, ARMS).probabilities for cell in CELLS])[traffic.cell]


class Case:
    """One shop whose decisions were made by the policy that serves, fitted anew every six hours to what it had got."""

    def __init__(self, seed: int) -> None:
        traffic = make_traffic(Setting(decisions=4_000, days=2, delay=0.0, bots=0.0), seed)
        played = play(traffic, learners(Tuning(), seed)["serving"], 6 * HOUR_MS, seed)
        rows = np.arange(len(played.arm))
        chance = np.random.default_rng(seed)
        one, two = (probabilities(candidate(traffic, chance), traffic) for _ in range(2))
        self.rewards = traffic.success[rows, played.arm].astype(float)
        self.shoppers = np.unique(traffic.bent, return_inverse=True)[1]
        self.one, self.two = (each[rows, played.arm] / played.propensity for each in (one, two))
        self.true_one, self.true_two = (float((each * traffic.rates).sum(axis=1).mean()) for each in (one, two))


@pytest.mark.statistical
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """100 seeded shops, 95 % intervals: fewer than 88 of 100 has a chance of 0.2 % for each of the three counts. Each
    log of 4,000 decisions is worth some 350 of the candidate's own: a hard case.
    """
    cases = [Case(seed) for seed in range(100)]
    held = {"ips": 0, "snips": 0, "gain": 0}
    off = []
    for case in cases:
        found = judged(case.shoppers, case.one, case.rewards)
        more = gain(case.shoppers, case.one, case.two, case.rewards)
        off.append(found.snips.value - case.true_one)
        held["ips"] += found.ips.low <= case.true_one <= found.ips.high
        held["snips"] += found.snips.low <= case.true_one <= found.snips.high
        held["gain"] += more.low <= case.true_one - case.true_two <= more.high
        assert found.n == 4_000
        assert 0 < found.ess < found.n
    assert min(held.values()) >= 88, held
    # And its errors go both ways: the mean of a hundred is within three standard errors of none.
    assert abs(np.mean(off)) < 3 * np.std(off) / 10


def test_a_policy_that_is_the_logged_one_has_weight_one_and_gains_nothing() -> None:
    shoppers, rewards = np.array([0, 0, 1, 2]), np.array([1.0, 0.0, 0.0, 1.0])
    ones = np.ones(4)
    found = judged(shoppers, ones, rewards)
    assert (found.n, found.ess, found.mean_weight) == (4, 4.0, 1.0)
    assert found.ips.value == found.snips.value == 0.5
    assert 0 < found.snips.low < 0.5 < found.snips.high < 1
    same = gain(shoppers, ones, ones, rewards)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_the_t_distributions_point_is_near() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom, near in ((2.0, 0.015), (3.5, 5e-3), (5.0, 1e-3), (40.0, 1e-6), (1e6, 1e-6)):
        assert quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=near)


def test_without_a_success_the_interval_still_has_a_length() -> None:
    shoppers, ones = np.arange(100), np.ones(100)
    none, all_ = (judged(shoppers, ones, rewards).snips for rewards in (np.zeros(100), ones))
    assert (none.value, none.low, all_.value, all_.high) == (0.0, 0.0, 1.0, 1.0)
    assert none.high == pytest.approx(1 - all_.low) == pytest.approx(0.0362, abs=1e-4)


def test_one_shopper_says_nothing() -> None:
    one = np.zeros(3, np.int64)
    assert judged(one, np.ones(3), np.ones(3)).snips == NOTHING
    assert gain(one, np.ones(3), np.ones(3), np.ones(3)) == NOTHING
    nobody = np.array([], np.int64)
    found = judged(nobody, np.array([]), np.array([]))
    assert (found.n, found.ess, found.mean_weight, found.ips, found.snips) == (0, 0.0, None, NOTHING, NOTHING)


ROWS = st.lists(st.tuples(st.integers(0, 5), st.floats(0.01, 20), st.booleans()), min_size=3, max_size=40)


@given(ROWS, st.floats(0.1, 10))
def test_snips_is_a_mean_of_rewards_and_does_not_depend_on_the_weights_scale(
    rows: list[tuple[int, float, bool]], scale: float
) -> None:
    shoppers = np.unique([row[0] for row in rows], return_inverse=True)[1]
    weights, rewards = np.array([row[1] for row in rows]), np.array([float(row[2]) for row in rows])
    found = judged(shoppers, weights, rewards)
    if len(set(shoppers.tolist())) < 2:
        assert found.snips == NOTHING
        return
    assert -1e-12 <= found.snips.value <= 1 + 1e-12
    assert judged(shoppers, scale * weights, rewards).snips.value == pytest.approx(found.snips.value)
    assert 1 - 1e-9 <= found.ess <= found.n + 1e-9
    # The same by hand.
    assert found.snips.value == pytest.approx(float(np.average(rewards, weights=weights)))
    back = gain(shoppers, np.ones(len(rows)), weights, rewards)
    forth = gain(shoppers, weights, np.ones(len(rows)), rewards)
    assert forth.value == pytest.approx(-back.value, abs=1e-12)
    assert forth.high == pytest.approx(-back.low, abs=1e-12)


def test_seen_is_what_learn_sees() -> None:
    """The simulator's cohorts come to the policy as collect publishes them: two hours by themselves, then by day."""
    hours, width = 60, 2 * HOUR_MS
    shown = np.ones((hours // 2, len(CELLS), len(ARMS)))
    now = hours * HOUR_MS
    ages = now - (np.arange(hours // 2) + 0.5) * width
    buckets = Seen(1, 0.0, ages, shown, shown / 2, now, width).buckets()
    assert sorted(buckets.young) == [now - width]
    assert [float(buckets.days[day].trials[0, 0]) for day in sorted(buckets.days)] == [12, 12, 6]
    assert float(buckets.life.successes.sum()) == shown.sum() / 2
