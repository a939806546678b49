"""Whose orders are whose: what serve shows to a shopper at a time, and the groups by intent to treat, are one."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from inference.decide.assign import Holdout, held_out
from inference.experiment.assignment import Running
from inference.experiment.lifecycle import draft, planned, started, stopped
from inference.experiment.trial_groups import REMEMBERED_MS, TrialGroups, tried
from schemas.experiments import ExperimentArm, ExperimentRecord, StoppingRule

OWN = Holdout("x", "salt", 0.2)
ARMS = (ExperimentArm("template"), ExperimentArm("warm"))


def record(name: str, at_ms: int = 100, **more: Any) -> ExperimentRecord:
    plan = planned(ARMS, baseline=0.1, effect=0.5, per_shopper=8, design_effect=2, alpha=0.05, power=0.8)
    usual = {"metric": "ctr", "plan": plan, "rule": StoppingRule(max_shoppers=100), "by": "ada", "why": "a test"}
    drawn_up = draft(name, arms=ARMS, time_ms=1, **{**usual, **more})
    return started(drawn_up, (), time_ms=at_ms, by="ada", why="go")


LAYERS, BUCKETS, HOLDOUTS = st.sampled_from("abc"), st.integers(1, 10_000), st.sampled_from([0.0, 0.3])
STORY = st.lists(st.tuples(LAYERS, BUCKETS, HOLDOUTS, st.integers(1, 50), st.integers(0, 60)), max_size=5)


@given(STORY, st.integers(0, 60), st.integers(0, 500))
def test_the_groups_are_those_of_the_experiments_that_ran_then(story: list[Any], at_ms: int, number: int) -> None:
    records = []
    for place, (layer, buckets, holdout, begun, lasted) in enumerate(story):
        each = record(f"e{place}", begun, layer=layer, buckets=buckets, holdout=holdout)
        records.append(stopped(each, time_ms=begun + lasted, by="ada", why="over") if lasted < 30 else each)
    user, groups = f"u{number}", TrialGroups(OWN, tried(records))
    ran = [
        msgspec.structs.replace(each, state="running")
        for each in sorted(records, key=lambda each: (each.started_ms, each.name))
        if (each.started_ms or 0) <= at_ms and (each.stopped_ms is None or at_ms < each.stopped_ms)
    ]
    place = None if held_out(OWN, user) else Running(ran).placement(user)
    due = None if place is None or not place.experiment.holdout else (place.experiment.name, place.held_out)
    assert groups.of(user, at_ms) == due


def test_where_nobody_is_held_out_there_is_nothing_to_tell_apart() -> None:
    assert tried([record("a"), record("b", layer="b")]) == ()
    assert not TrialGroups(None, ())
    assert TrialGroups(None, ()).of("u", 5) is None
    both = tried([record("a"), record("b", layer="b", holdout=0.1)])
    assert [each.name for each in both] == ["a", "b"]


def test_drafts_and_what_stopped_long_ago_are_left_out() -> None:
    old = stopped(record("old", holdout=0.5), time_ms=200, by="ada", why="over")
    new = record("new", 201 + REMEMBERED_MS, holdout=0.5, layer="b")
    drawn_up = msgspec.structs.replace(new, name="draft", state="draft", started_ms=None)
    assert [each.name for each in tried([old, new, drawn_up])] == ["new"]
    assert [each.name for each in tried([old, msgspec.structs.replace(new, time_ms=199 + REMEMBERED_MS)])] == [
        "old",
        "new",
    ]


def test_the_settings_own_name_has_its_own_groups() -> None:
    trials = tried([record("x", holdout=0.5)])
    assert {TrialGroups(OWN, trials).of(f"u{number}", 500) for number in range(50)} == {None}
    assert {TrialGroups(None, trials).of(f"u{number}", 500) for number in range(50)} == {("x", True), ("x", False)}
