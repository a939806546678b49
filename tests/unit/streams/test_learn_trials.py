"""Adaptive experiments have beliefs of their own: learned from their own decisions, published, and drawn from."""

from typing import Any

import msgspec
import pytest
from learn_rig import SETUP, cohorts, prior, record

from inference.decide.buckets import NO_AGEING, Ageing
from inference.decide.policy import Policy
from inference.experiment.lifecycle import draft, planned, started, stopped
from schemas.experiments import ExperimentArm, ExperimentRecord, Mode, StoppingRule
from schemas.policies import PolicySnapshot
from streams.kafka.records import Record
from streams.learn import trials as trials_module
from streams.learn.snapshots import next_snapshot
from streams.learn.trials import Trials

NAMES = ("template", "good")


def running(name: str, mode: Mode = "adaptive", at_ms: int = 2) -> ExperimentRecord:
    arms = [ExperimentArm(each) for each in NAMES]
    plan = planned(arms, baseline=0.1, effect=0.5, per_shopper=8, design_effect=2, alpha=0.05, power=0.8)
    usual: dict[str, Any] = {"metric": "ctr", "plan": plan, "rule": StoppingRule(max_shoppers=100)}
    drawn_up = draft(name, arms=arms, mode=mode, layer=name, time_ms=1, by="ada", why="a test", **usual)
    return started(drawn_up, (), time_ms=at_ms, by="ada", why="go")


def told(*versions: ExperimentRecord, ageing: Ageing = NO_AGEING) -> Trials:
    topics = msgspec.structs.replace(SETUP.topics, experiments="experiments")
    setup = msgspec.structs.replace(SETUP, topics=topics, ageing=ageing)
    made = Trials(setup, cohorts(setup=setup))
    made.take(map(said, versions))
    return made


def said(version: ExperimentRecord) -> Record:
    return Record("experiments", 0, 0, 0, b"", msgspec.json.encode(version))


def clicks(experiment: str, good: int, template: int = 5, revision: int = 1) -> list[Record]:
    return [
        record("good", revision, experiment=experiment, impressions=100, clicks=good),
        record("template", revision, experiment=experiment, impressions=100, clicks=template),
    ]


def first(cells: list[Record], made: Trials) -> PolicySnapshot:
    made.take(cells)
    found = made.put(next_snapshot(SETUP, cohorts(*cells), None, 7), None, 7)
    assert found is not None
    return found


def test_an_experiment_is_believed_what_its_own_decisions_say() -> None:
    cells = [*clicks("x", 1, 60), *clicks("spring", 60, 1), *clicks("fixed", 1, 60)]
    snapshot = first(cells, told(running("spring"), running("fixed", "fixed")))
    assert [each.experiment for each in snapshot.trials] == ["spring"]
    policy = Policy(snapshot)
    own, theirs = (policy.choices("bags", "new", NAMES, name) for name in (None, "spring"))
    assert own.probabilities[0] > 0.9
    assert theirs.probabilities[1] > 0.9
    # Of what a snapshot does not tell, the settings' beliefs hold, to the last bit.
    assert policy.choices("bags", "new", NAMES, "another") == own


def test_one_that_has_just_started_is_believed_nothing_of() -> None:
    snapshot = first(clicks("x", 60, 1), told(running("spring")))
    (trial,) = snapshot.trials
    assert (set(trial.prior), trial.cells) == (set(NAMES), [])
    assert len(set(trial.prior.values())) == 1


def test_a_version_follows_where_only_an_experiment_has_changed() -> None:
    cells, made = [*clicks("x", 30), *clicks("spring", 30)], told(running("spring"))
    snapshot = first(cells, made)
    assert next_snapshot(SETUP, cohorts(*cells), snapshot, 9) is None
    assert made.put(None, snapshot, 9) is None
    made.take(clicks("spring", 31, revision=2))
    second = made.put(None, snapshot, 9)
    assert second is not None
    assert (second.version, second.seed, second.created_ms, second.by) == (2, "x:2", 9, "learn")
    assert (second.prior, second.cells) == (snapshot.prior, snapshot.cells)
    assert second.trials != snapshot.trials


def test_what_stops_is_forgotten_and_a_policy_that_is_stopped_stays_so() -> None:
    spring = running("spring")
    made = told(spring)
    snapshot = first(clicks("spring", 30), made)
    killed = msgspec.structs.replace(snapshot, kill=True, trials=[])
    assert made.put(None, killed, 9) is None
    assert made.put(None, None, 9) is None
    made.take([Record("experiments", 0, 1, 0, b"", msgspec.json.encode(stopped(spring, time_ms=3, by="a", why="w")))])
    made.take([Record("experiments", 0, 2, 0, b"", b"{")])
    after = made.put(None, snapshot, 9)
    assert after is not None
    assert after.trials == []


def test_a_prior_that_somebody_set_gets_its_experiments_back() -> None:
    made = told(running("spring"))
    made.take(clicks("spring", 30))
    found = made.put(None, prior(), 9)
    assert found is not None
    assert ([each.experiment for each in found.trials], found.prior) == (["spring"], prior().prior)


def test_what_has_no_room_is_left_to_the_prior_and_then_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [
        record("good", experiment=name, category=f"category-{number}", impressions=number + 1)
        for name in ("spring", "summer")
        for number in range(40)
    ]
    made = told(running("summer", at_ms=3), running("spring"))
    made.take(cells)
    whole = made.beliefs()
    assert [(each.experiment, len(each.cells)) for each in whole] == [("spring", 40), ("summer", 40)]
    monkeypatch.setattr(trials_module, "MOST_BYTES", 2_500)
    less = made.beliefs()
    assert [each.experiment for each in less] == ["spring", "summer"]
    assert 0 < len(less[0].cells) < 40
    assert "category-39" in {cell.category for cell in less[0].cells}
    alone = [msgspec.structs.replace(less[0], cells=[])]
    monkeypatch.setattr(trials_module, "MOST_BYTES", len(msgspec.json.encode(alone)))
    assert made.beliefs() == alone


def test_cells_count_whenever_the_record_comes_and_only_for_the_experiment_s_arms() -> None:
    cells = [*clicks("spring", 60, 1), record("bad", experiment="spring", impressions=50, clicks=49)]
    late = told()
    late.take([*cells, *clicks("fixed", 60)])
    late.take([said(running("spring")), said(running("fixed", "fixed"))])
    early = told(running("spring"), running("fixed", "fixed"))
    early.take([*cells, *clicks("fixed", 60)])
    assert early.beliefs() == late.beliefs() != []
    assert {arm for cell in early.beliefs()[0].cells for arm in cell.arms} == set(NAMES)


def test_the_settings_own_experiment_may_have_a_record() -> None:
    made = told(running("x"))
    made.take(clicks("x", 60))
    # They are fed by who made them, here by nobody.
    assert [each.cells for each in made.beliefs()] == [[]]


def test_old_decisions_count_less_by_the_experiment_s_own_time() -> None:
    """The good arm did well a month ago and does badly now; the settings' experiment is a year further on."""
    day = 86_400
    cells = [
        *(
            record(arm, 1, experiment="spring", bucket=f"1d:{start * day}", impressions=100, clicks=won)
            for start, arm, won in ((20_000, "good", 60), (20_000, "template", 10), (20_030, "good", 5))
        ),
        record("template", experiment="spring", bucket=f"1d:{20_030 * day}", impressions=100, clicks=30),
        record("good", experiment="spring", impressions=200, clicks=65),
        record("template", experiment="spring", impressions=200, clicks=40),
        record("good", bucket=f"1d:{20_400 * day}", impressions=10),
    ]
    for ageing, better in ((NO_AGEING, "good"), (Ageing(7.0, None), "template")):
        made = told(running("spring"), ageing=ageing)
        made.take(cells)
        (beliefs,) = made.beliefs()
        rates = {name: arm.alpha / (arm.alpha + arm.beta) for name, arm in beliefs.prior.items()}
        assert max(rates, key=rates.__getitem__) == better
