"""Who is in which experiment and arm: layers, arms, holdouts, and the steps of a record's life."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from inference.experiment.assignment import arm_of, layer_of, overlap, placements, takes_part
from inference.experiment.lifecycle import draft, planned, started, stopped
from schemas.errors import ConfigError
from schemas.experiments import LAYER_BUCKETS, ExperimentArm, ExperimentRecord, StoppingRule

ARMS = (ExperimentArm("template", 2), ExperimentArm("warm", 1), ExperimentArm("bold", 1))
USERS = [f"u{k}" for k in range(40_000)]
LEVEL = 1e-4
"""The hashes are fixed, so a chi-square test fails always or never; one in 10,000 layouts of names would."""


def a_draft(name: str, **more) -> ExperimentRecord:
    arms = more.pop("arms", ARMS)
    plan = planned(arms, baseline=0.1, effect=0.1, per_shopper=10, design_effect=2, alpha=0.05, power=0.8)
    rule = StoppingRule(max_shoppers=plan.shoppers_always_valid)
    usual = {"metric": "ctr", "plan": plan, "rule": rule, "time_ms": 1, "by": "ada", "why": "a test"}
    return draft(name, arms=arms, **{**usual, **more})


def running(name: str, others=(), **more) -> ExperimentRecord:
    return started(a_draft(name, **more), others, time_ms=2, by="ada", why="go")


def test_buckets_and_arms_fall_as_their_shares_say() -> None:
    tenths = np.bincount([layer_of("default", user) * 10 // LAYER_BUCKETS for user in USERS], minlength=10)
    assert stats.chisquare(tenths).pvalue > LEVEL
    one = running("one")
    arms = [arm_of(one, user) for user in USERS]
    counts = [arms.count(name) for name in ("template", "warm", "bold")]
    assert sum(counts) == len(USERS)
    assert stats.chisquare(counts, np.array(one.shares()) * len(USERS)).pvalue > LEVEL


def test_layers_are_independent_and_so_are_experiments_that_follow_each_other() -> None:
    one, two = running("one", layer="copy"), running("two", layer="price")
    after = running("after", layer="copy")
    for left, right in ((one, two), (one, after)):
        table = [[0] * 3 for _ in range(3)]
        names = [arm.name for arm in ARMS]
        for user in USERS:
            table[names.index(arm_of(left, user))][names.index(arm_of(right, user))] += 1
        assert stats.chi2_contingency(table).pvalue > LEVEL
    halves = [[0, 0], [0, 0]]
    for user in USERS:
        halves[layer_of("copy", user) % 2][layer_of("price", user) % 2] += 1
    assert stats.chi2_contingency(halves).pvalue > LEVEL


def test_experiments_of_one_layer_share_no_shopper() -> None:
    one = running("one", buckets=3000)
    two = running("two", [one], buckets=7000)
    assert (one.first, one.after, two.first, two.after) == (0, 3000, 3000, 10_000)
    other = running("other", [one, two], layer="elsewhere")
    for user in USERS[:5000]:
        found = placements([one, two, other], user)
        assert [each.experiment.layer for each in found] == ["default", "elsewhere"]
        assert arm_of(found[0].experiment, user) == found[0].arm
    with pytest.raises(ConfigError, match="none left"):
        running("three", [one, two], buckets=1)
    assert not overlap(one, two)
    twin = running("twin", [], buckets=1)
    assert overlap(one, twin)
    assert not overlap(one, other)
    assert all(len(placements([one, twin], user)) <= 1 for user in USERS[:5000])
    # What a stopped experiment had is free again.
    assert running("three", [two], buckets=2000).first == 0
    with pytest.raises(ConfigError, match="none left"):
        running("three", [two], buckets=3001)


def test_who_is_held_out_has_no_arm_and_stays_so() -> None:
    one = running("one", holdout=0.1)
    places = [placements([one], user)[0] for user in USERS]
    out = sum(place.held_out for place in places)
    assert stats.binomtest(out, len(USERS), 0.1).pvalue > LEVEL
    arms = [place.arm for place in places]
    counts = [arms.count(arm.name) for arm in ARMS]
    assert stats.chisquare(counts, np.array(one.shares()) * sum(counts)).pvalue > LEVEL


def test_an_arm_is_kept_over_versions_and_only_while_it_runs() -> None:
    waiting = a_draft("one")
    one = started(waiting, [], time_ms=2, by="ada", why="go")
    ended = stopped(one, time_ms=3, by="bob", why="enough")
    assert (one.version, ended.version, ended.started_ms, ended.stopped_ms) == (2, 3, 2, 3)
    assert (ended.by, ended.why, ended.key()) == ("bob", "enough", "one|3")
    for record in (waiting, ended):
        assert arm_of(record, "u1") is None
        assert not takes_part(record, "u1")
    with pytest.raises(ConfigError, match="stopped"):
        stopped(ended, time_ms=4, by="bob", why="")
    with pytest.raises(ConfigError, match="running"):
        started(one, [], time_ms=4, by="bob", why="")


def test_under_a_and_a_every_arm_shows_the_control() -> None:
    one = running("one", mode="aa", holdout=0.2)
    places = [placements([one], user)[0] for user in USERS[:300]]
    assert {place.shown_arm for place in places} == {"template", None}
    assert {place.arm for place in places} == {"template", "warm", "bold", None}
    fixed = placements([running("one")], "u1")[0]
    assert fixed.shown_arm == fixed.arm


ONE = running("one")


@given(st.text(min_size=1, max_size=20))
def test_any_id_has_a_place(user: str) -> None:
    assert 0 <= layer_of("default", user) < LAYER_BUCKETS
    assert arm_of(ONE, user) in {arm.name for arm in ARMS}


def test_a_draft_may_be_drawn_up_anew() -> None:
    first = a_draft("one")
    second = a_draft("one", before=first, holdout=0.05)
    assert (first.version, second.version, second.holdout) == (1, 2, 0.05)
    with pytest.raises(ConfigError, match="running"):
        a_draft("one", before=started(second, [], time_ms=2, by="ada", why="go"))


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"arms": (ExperimentArm("warm"), ExperimentArm("template"))}, "first arm"),
        ({"arms": (ExperimentArm("template"), ExperimentArm("warm"), ExperimentArm("warm"))}, "first arm"),
        ({"metric": "order_per_click"}, "chosen by"),
        ({"guardrails": (("ctr", 0.1),)}, "twice"),
    ],
)
def test_what_is_no_experiment_is_refused(wrong, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        a_draft("one", **wrong)


def test_a_plan_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(ConfigError, match="no plan"):
        planned(ARMS, baseline=0.5, effect=2, per_shopper=10, design_effect=2, alpha=0.05, power=0.8)
