"""Exact propensities under both kinds of belief: shares of draws, floors, and what is really drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.decide.choices import Belief, Betas, choices
from inference.decide.fit import Fit, sharpened
from inference.decide.hashing import decision_id
from inference.decide.linear import Linear
from inference.decide.policy import Policy
from inference.decide.shares import best_shares, floored
from schemas.policies import Beta, PolicySnapshot

ARMS = ("template", "warm", "bold", "calm")
ROWS = {"template": {}, "warm": {"warm": 1.0}, "bold": {"bold": 1.0}, "calm": {"warm": 0.4, "bold": 0.3}}
LINEAR = Linear(("bold", "warm"), np.array([0.1, 0.15]), np.array([[0.3, 0.0], [0.1, 0.25]]), ROWS)
BETAS = Betas({"bold": Beta(12, 88)}, dict.fromkeys(ARMS, Beta(10, 90)))
SEED = ("s", "1", "shoes", "new")


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 1.0]))
def test_shares_are_those_of_argmax(arms: int, count: int, seed: int, epsilon: float) -> None:
    # Few different values, so that ties occur.
    draws = np.random.default_rng(seed).integers(0, 4, (arms, count, 3)).astype(float)
    won = draws.argmax(axis=0)
    expected = np.stack([(won == place).mean(axis=0) for place in range(arms)])
    assert np.array_equal(best_shares(draws), expected)
    mixed = floored(best_shares(draws), epsilon)
    assert mixed.sum(axis=0) == pytest.approx(1)
    assert (mixed >= epsilon / arms - 1e-12).all()


@pytest.mark.parametrize(("belief", "draws"), [(BETAS, 512), (LINEAR, 64)])
def test_the_floor_holds_and_probabilities_are_shares(belief: Belief, draws: int) -> None:
    found = choices(belief, SEED, ARMS, 0.1, draws).probabilities
    assert sum(found) == pytest.approx(1)
    assert all((p - 0.1 / 4) / 0.9 * draws == pytest.approx(round((p - 0.1 / 4) / 0.9 * draws)) for p in found)
    assert choices(belief, SEED, ARMS, 0.1, draws) == choices(belief, SEED, ARMS, 0.1, draws)
    assert choices(belief, ("s", "2", "shoes", "new"), ARMS, 0.1, draws).probabilities != found
    assert choices(belief, SEED, ("bold",), 0.1, draws).probabilities == (1.0,)


def test_an_arm_draws_the_same_whichever_others_are_eligible() -> None:
    """Without the arm that wins least, what it won goes to the others and to nobody else's cost."""
    for belief in (BETAS, LINEAR):
        whole = dict(zip(ARMS, choices(belief, SEED, ARMS, 0.0, 64).probabilities, strict=True))
        part = dict(zip(ARMS[1:], choices(belief, SEED, ARMS[1:], 0.0, 64).probabilities, strict=True))
        assert all(part[arm] >= whole[arm] for arm in part)


def test_a_linear_belief_needs_attributes() -> None:
    with pytest.raises(KeyError):
        choices(LINEAR, SEED, ("template", "new_arm"), 0.0, 64)


@pytest.mark.statistical
@pytest.mark.parametrize(("belief", "draws"), [(BETAS, 512), (LINEAR, 64)])
def test_logged_propensities_are_what_is_drawn(belief: Belief, draws: int) -> None:
    """Chi-square over 120,000 decisions in 12 cells of changing eligible sets at the 0.1 % level, seeded: the false
    alarm rate of a new seed is 0.1 %.
    """
    from scipy.stats import chi2

    snapshot = PolicySnapshot(version=1, experiment="x", created_ms=0, seed="s", epsilon=0.1, prior={})
    policy = Policy(snapshot)
    statistic, freedom, number = 0.0, 0, 0
    for cell in range(12):
        eligible = tuple(arm for place, arm in enumerate(ARMS) if place != cell % 5)
        found = choices(belief, ("s", "1", "shoes", str(cell)), eligible, 0.1, draws)
        count = dict.fromkeys(eligible, 0)
        for _ in range(10_000):
            arm, propensity = found.pick(policy.draw(decision_id("t", str(number))))
            assert propensity == found.probabilities[eligible.index(arm)]
            count[arm] += 1
            number += 1
        for arm, p in zip(eligible, found.probabilities, strict=True):
            statistic += (count[arm] - 10_000 * p) ** 2 / (10_000 * p)
        freedom += len(eligible) - 1
    assert number >= 100_000
    assert chi2.sf(statistic, freedom) > 0.001


def test_sharper_beliefs_keep_their_means_and_explore_less() -> None:
    found = Fit(dict.fromkeys(ARMS, Beta(10, 90)) | {"warm": Beta(11, 89)}, [], 0)
    sharp = sharpened(found, 16.0)
    assert sharp.prior["warm"] == Beta(176, 1424)
    assert sharpened(found, 1.0) is found

    def best(prior: dict[str, Beta]) -> float:
        return choices(Betas({}, prior), SEED, ARMS, 0.0, 4096).probabilities[1]

    assert best(sharp.prior) > best(found.prior) + 0.1
