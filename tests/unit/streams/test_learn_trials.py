"""Adaptive experiments have beliefs of their own: learned from their own decisions, published, and drawn from."""

from typing import Any

import msgspec
import pytest
from learn_rig import SETUP, cohorts, overview, prior, record

from inference.decide.policy import Policy
from inference.experiment.lifecycle import draft, planned, started, stopped
from schemas.experiments import ExperimentArm, ExperimentRecord, Mode, StoppingRule
from schemas.policies import PolicySnapshot
from streams.kafka.records import Record
from streams.learn import trials as trials_module
from streams.learn.overview import Overview
from streams.learn.snapshots import next_snapshot
from streams.learn.trials import Trials

NAMES = ("template", "good")


def running(name: str, mode: Mode = "adaptive", at_ms: int = 2) -> ExperimentRecord:
    arms = [ExperimentArm(each) for each in NAMES]
    plan = planned(arms, baseline=0.1, effect=0.5, per_shopper=8, design_effect=2, alpha=0.05, power=0.8)
    usual: dict[str, Any] = {"metric": "ctr", "plan": plan, "rule": StoppingRule(max_shoppers=100)}
    drawn_up = draft(name, arms=arms, mode=mode, layer=name, time_ms=1, by="ada", why="a test", **usual)
    return started(drawn_up, (), time_ms=at_ms, by="ada", why="go")


def told(*versions: ExperimentRecord) -> Trials:
    made = Trials(
        msgspec.structs.replace(SETUP, topics=msgspec.structs.replace(SETUP.topics, experiments="experiments"))
    )
    made.take(Record("experiments", 0, 0, 0, b"", msgspec.json.encode(each)) for each in versions)
    return made


def clicks(experiment: str, good: int, template: int = 5, revision: int = 1) -> list[Record]:
    return [
        record("good", revision, experiment=experiment, impressions=100, clicks=good),
        record("template", revision, experiment=experiment, impressions=100, clicks=template),
    ]


def first(cells: list[Record], made: Trials) -> tuple[Overview, PolicySnapshot]:
    known = overview(*cells)
    found = made.put(next_snapshot(SETUP, cohorts(*cells), None, 7), None, known, 7)
    assert found is not None
    return known, found


def test_an_experiment_is_believed_what_its_own_decisions_say() -> None:
    cells = [*clicks("x", 1, 60), *clicks("spring", 60, 1), *clicks("fixed", 1, 60)]
    _, snapshot = first(cells, told(running("spring"), running("fixed", "fixed")))
    assert [each.experiment for each in snapshot.trials] == ["spring"]
    policy = Policy(snapshot)
    own, theirs = (policy.choices("bags", "new", NAMES, name) for name in (None, "spring"))
    assert own.probabilities[0] > 0.9
    assert theirs.probabilities[1] > 0.9
    # Of what a snapshot does not tell, the settings' beliefs hold, to the last bit.
    assert policy.choices("bags", "new", NAMES, "another") == own


def test_one_that_has_just_started_is_believed_nothing_of() -> None:
    _, snapshot = first(clicks("x", 60, 1), told(running("spring")))
    (trial,) = snapshot.trials
    assert (set(trial.prior), trial.cells) == (set(NAMES), [])
    assert len(set(trial.prior.values())) == 1


def test_a_version_follows_where_only_an_experiment_has_changed() -> None:
    cells, made = [*clicks("x", 30), *clicks("spring", 30)], told(running("spring"))
    known, snapshot = first(cells, made)
    assert next_snapshot(SETUP, cohorts(*cells), snapshot, 9) is None
    assert made.put(None, snapshot, known, 9) is None
    news = clicks("spring", 31, revision=2)
    known.take(news)
    # What comes is told to both, as the policy writer does.
    made.take(news)
    second = made.put(None, snapshot, known, 9)
    assert second is not None
    assert (second.version, second.seed, second.created_ms, second.by) == (2, "x:2", 9, "learn")
    assert (second.prior, second.cells) == (snapshot.prior, snapshot.cells)
    assert second.trials != snapshot.trials


def test_what_stops_is_forgotten_and_a_policy_that_is_stopped_stays_so() -> None:
    spring = running("spring")
    made = told(spring)
    known, snapshot = first(clicks("spring", 30), made)
    killed = msgspec.structs.replace(snapshot, kill=True, trials=[])
    assert made.put(None, killed, known, 9) is None
    assert made.put(None, None, known, 9) is None
    made.take([Record("experiments", 0, 1, 0, b"", msgspec.json.encode(stopped(spring, time_ms=3, by="a", why="w")))])
    made.take([Record("experiments", 0, 2, 0, b"", b"{")])
    after = made.put(None, snapshot, known, 9)
    assert after is not None
    assert after.trials == []


def test_a_prior_that_somebody_set_gets_its_experiments_back() -> None:
    known = overview(*clicks("spring", 30))
    found = told(running("spring")).put(None, prior(), known, 9)
    assert found is not None
    assert ([each.experiment for each in found.trials], found.prior) == (["spring"], prior().prior)


def test_what_has_no_room_is_left_to_the_prior_and_then_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [
        record("good", experiment=name, category=f"category-{number}", impressions=number + 1)
        for name in ("spring", "summer")
        for number in range(40)
    ]
    known, made = overview(*cells), told(running("summer", at_ms=3), running("spring"))
    whole = made.beliefs(known)
    assert [(each.experiment, len(each.cells)) for each in whole] == [("spring", 40), ("summer", 40)]
    monkeypatch.setattr(trials_module, "MOST_BYTES", 2_500)
    less = made.beliefs(known)
    assert [each.experiment for each in less] == ["spring", "summer"]
    assert 0 < len(less[0].cells) < 40
    assert "category-39" in {cell.category for cell in less[0].cells}
    alone = [msgspec.structs.replace(less[0], cells=[])]
    monkeypatch.setattr(trials_module, "MOST_BYTES", len(msgspec.json.encode(alone)))
    assert made.beliefs(known) == alone
