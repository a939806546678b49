"""The prior of a warm start on planted tests. Seeded; a new seed fails in under one of a hundred runs."""

import numpy as np
import pytest

from inference.simulate.past_tests import known_tests
from schemas.arms import Arm
from schemas.errors import ConfigError
from training.conversion.prior import fit_prior
from training.conversion.tuning import tuned


def planted(slope: float, evidence: float, tests: int, seed: int, clicks: int = 60) -> tuple[list[Arm], list[float]]:
    rng = np.random.default_rng(seed)
    arms, scores = [], []
    for test in range(tests):
        level = np.log(0.02) + rng.normal(0, 0.4)
        for number in range(4):
            score = rng.normal()
            mean = 1 / (1 + np.exp(-(level + slope * score)))
            rate = rng.beta(evidence * mean, evidence * (1 - mean))
            seen = int(clicks / 0.02)
            arms.append(
                Arm(
                    test=str(test),
                    group=str(test),
                    text=f"{test} {number}",
                    impressions=seen,
                    clicks=int(rng.binomial(seen, rate)),
                )
            )
            scores.append(float(score))
    return arms, scores


@pytest.mark.statistical
def test_the_planted_prior_is_found() -> None:
    arms, scores = planted(0.1, 1500.0, 500, 1)
    found = fit_prior(arms, scores)
    assert found.slope == pytest.approx(0.1, abs=0.025)
    assert found.evidence == pytest.approx(1500, rel=0.25)
    assert found.evidence_alone < found.evidence
    assert found.gain > 20
    assert (found.tests, found.arms) == (500, 2000)


@pytest.mark.statistical
def test_scores_that_say_nothing_gain_nothing() -> None:
    arms, scores = planted(0.0, 1500.0, 300, 2)
    found = fit_prior(arms, scores)
    assert abs(found.slope) < 0.04
    assert found.gain < 4


def test_order_and_names_of_tests_play_no_part() -> None:
    arms, scores = planted(0.1, 1500.0, 30, 3)
    one = fit_prior(arms, scores)
    other = fit_prior(arms[::-1], scores[::-1])
    assert one.slope == pytest.approx(other.slope, abs=1e-3)


def test_lone_arms_are_no_tests() -> None:
    arms, scores = planted(0.1, 1500.0, 3, 4)
    with pytest.raises(ConfigError, match="no test has two arms"):
        fit_prior(arms[::4], scores[::4])


@pytest.mark.statistical
def test_a_start_is_found_without_the_groups_that_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the groups have scores turned round: whoever is begun by the other half is told to heed them, and so is
    wrong.
    """
    from training.conversion import tuning

    monkeypatch.setattr(tuning, "SHARPNESS", (2.0,))
    monkeypatch.setattr(tuning, "EVIDENCE", (100.0, 400.0))
    arms, scores = planted(0.3, 3000.0, 60, 5, clicks=20)
    right = frozenset(str(test) for test in range(30))
    turned = [score if arm.group in right else -score for arm, score in zip(arms, scores, strict=True)]
    tests, _ = known_tests(arms)
    fitted = fit_prior(arms, scores)
    monkeypatch.setattr(tuning, "SLOPES", (1.0, -1.0))
    wrong = frozenset(arm.group for arm in arms) - right
    for_right, for_wrong = tuned(tests, turned, lambda _group: fitted, [right, wrong], 1)
    assert for_right[1].slope < 0 < for_wrong[1].slope
    assert for_right[0].slope == 0 == for_wrong[0].slope
