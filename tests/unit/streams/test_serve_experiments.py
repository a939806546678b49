"""Experiments that run: who is in which, what they see, and what the record and the token say of it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from inference.decide.policy import Policy
from inference.experiment.assignment import Running, arm_of, layer_of, placements
from inference.experiment.lifecycle import draft, planned, started, stopped
from schemas.decisions import DecisionRead
from schemas.experiments import ExperimentArm, ExperimentRecord, StoppingRule
from schemas.token import code_of, verify
from streams.broadcast.experiments import Experiments

ARMS = (ExperimentArm("template"), ExperimentArm("warm", 3))


def record(name: str = "autumn", running: tuple[ExperimentRecord, ...] = (), **more: Any) -> ExperimentRecord:
    arms = more.pop("arms", ARMS)
    plan = planned(arms, baseline=0.1, effect=0.5, per_shopper=8, design_effect=2, alpha=0.05, power=0.8)
    usual = {"metric": "ctr", "plan": plan, "rule": StoppingRule(max_shoppers=100), "by": "ada", "why": "a test"}
    return started(draft(name, arms=arms, **{**usual, "time_ms": 1, **more}), running, time_ms=2, by="ada", why="go")


def start(bench: Any, *records: ExperimentRecord) -> None:
    for each in records:
        bench.states.experiments.take(each)


def see(bench: Any, users: int = 60, times: int = 2, product_id: str = "p1") -> list[DecisionRead]:
    asked = [(f"u{user}", time) for time in range(times) for user in range(users)]
    base = len(bench.log)
    views = [bench.view(f"e{base + at}", user, product_id) for at, (user, _) in enumerate(asked)]
    return bench.decide(*views)


def test_a_shopper_keeps_the_arm_and_its_share_is_the_propensity(bench: Any) -> None:
    autumn = record()
    bench.copy("Warm {NAME}")
    start(bench, autumn)
    found = see(bench)
    for each in found:
        assert (each.experiment, each.experiment_version) == ("autumn", 2)
        assert each.arm == each.shown == arm_of(autumn, each.user_id)
        assert each.eligible == {"template": 0.25, "warm": 0.75}
        assert each.propensity == each.eligible[each.arm or ""]
        assert not each.excluded
        claims = verify(each.token, {1: b"k" * 32})
        assert claims is not None
        assert (claims.experiment, claims.arm) == (code_of("autumn"), code_of(each.arm or ""))
        assert claims.propensity == each.propensity
    assert {each.text for each in found if each.arm == "warm"} == {"Warm Trail Mug"}
    assert Counter(each.arm for each in found)["warm"] > 60


def test_where_one_arm_cannot_be_shown_no_arm_of_the_decision_counts(bench: Any) -> None:
    start(bench, record())
    # It is asked for, so that the experiment can begin.
    assert len(bench.run(bench.view("first"))["requests"]) == 1
    found = see(bench, 20)
    assert {each.arm for each in found} == {"template", "warm"}
    for each in found:
        assert (each.shown, each.override, each.excluded) == ("template", "pool_miss", True)
        assert each.ineligible == {"warm": "pool_miss"}


def test_a_text_that_does_not_render_leaves_the_decision_out_for_all(bench: Any) -> None:
    bench.copy("Warm {NAME} " + "x" * 120)
    start(bench, record())
    assert {(each.shown, each.override) for each in see(bench, 20)} == {("template", "text_too_long")}


def test_under_a_a_all_arms_show_the_controls_copy(bench: Any) -> None:
    twins = record("twins", mode="aa", arms=(ExperimentArm("template"), ExperimentArm("twin")))
    start(bench, twins)
    found = see(bench)
    assert {each.arm for each in found} == {"template", "twin"}
    assert {(each.shown, each.source, each.override, each.excluded) for each in found} == {
        ("template", "template", None, False)
    }
    assert len({each.text for each in found}) == 1


def test_in_mode_adaptive_the_policy_draws_among_the_experiments_arms(bench: Any) -> None:
    bench.copy("Warm {NAME}")
    bench.copy("Bold {NAME}", "bold")
    start(bench, record(mode="adaptive"))
    found = see(bench, 40, 3)
    assert {tuple(each.eligible) for each in found} == {("template", "warm")}
    drawn = {user: {each.arm for each in found if each.user_id == user} for user in ("u1", "u2", "u3", "u4")}
    assert any(len(arms) > 1 for arms in drawn.values())
    for each in found:
        assert each.propensity == each.eligible[each.arm or ""]


def test_held_out_shoppers_see_nothing_in_the_experiments_name(bench: Any) -> None:
    bench.copy("Warm {NAME}")
    autumn = record(holdout=0.5)
    start(bench, autumn)
    found = see(bench)
    out = [each for each in found if each.action == "none"]
    assert 30 < len(out) < 90
    for each in out:
        assert (each.experiment, each.arm, each.override, each.excluded) == ("autumn", None, "holdout", False)
        assert arm_of(autumn, each.user_id) is None


def test_who_is_in_no_experiment_is_in_the_settings_own(bench: Any) -> None:
    bench.copy("Warm {NAME}")
    half = record(buckets=5_000)
    start(bench, half)
    for each in see(bench):
        mine = layer_of("default", each.user_id) < 5_000
        assert each.experiment == ("autumn" if mine else "x")
        assert set(each.eligible) == {"template", "warm"}


def test_whoever_the_settings_hold_out_is_in_no_experiment(make_bench: Callable[..., Any]) -> None:
    held = make_bench(holdout=1.0 - 1e-9)
    held.product()
    start(held, record())
    assert {(each.experiment, each.override) for each in see(held, 20)} == {("x", "holdout")}


def test_two_layers_share_the_shoppers_and_nobody_is_in_both(bench: Any) -> None:
    bench.copy("Warm {NAME}")
    one, other = record("one", layer="a"), record("other", layer="b")
    start(bench, one, other)
    found = see(bench, 200, 2)
    whose = {user: {each.experiment for each in found if each.user_id == user} for user in {e.user_id for e in found}}
    assert all(len(names) == 1 for names in whose.values())
    assert 60 < sum(names == {"one"} for names in whose.values()) < 140


def test_what_starts_and_stops_takes_effect_with_the_next_batch(bench: Any) -> None:
    bench.copy("Warm {NAME}")
    assert {each.experiment for each in see(bench)} == {"x"}
    autumn = record()
    start(bench, autumn)
    assert {each.experiment for each in see(bench)} == {"autumn"}
    start(bench, stopped(autumn, time_ms=3, by="ada", why="enough"))
    # The older version comes once more: a topic that is compacted keeps every version, in any order of partitions.
    start(bench, autumn)
    assert {each.experiment for each in see(bench)} == {"x"}


def test_the_kill_switch_stops_experiments_too(bench: Any) -> None:
    start(bench, record())
    bench.states.policy = Policy(msgspec.structs.replace(bench.states.policy.snapshot, version=2, kill=True))
    assert {(each.experiment, each.override) for each in see(bench, 5)} == {("autumn", "kill_switch")}


LAYERS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 6_000), st.floats(0, 0.5)), min_size=1, max_size=6
)


@given(LAYERS, st.integers(0, 10_000))
def test_the_one_placement_is_one_of_all_placements(layers: list[tuple[str, int, float]], number: int) -> None:
    found: list[ExperimentRecord] = []
    for place, (layer, buckets, holdout) in enumerate(layers):
        used = sum(each.buckets for each in found if each.layer == layer)
        if used + buckets <= 10_000:
            found.append(record(f"e{place}", tuple(found), layer=layer, buckets=buckets, holdout=holdout))
    every = placements(found, f"u{number}")
    chosen = Running(found).placement(f"u{number}")
    assert (chosen is None) == (not every)
    assert chosen is None or chosen in every
    if len(every) > 1 and chosen is not None:
        # Another layer's stop takes only its own shoppers.
        others = [each for each in found if each.layer != next(e.experiment.layer for e in every if e != chosen)]
        assert Running(others).placement(f"u{number}") == chosen


def test_a_version_that_comes_late_changes_nothing() -> None:
    held, autumn = Experiments(), record()
    held.take(stopped(autumn, time_ms=3, by="ada", why="enough"))
    before = held.running()
    held.take(autumn)
    assert held.running() is before
    assert not before


@pytest.mark.statistical
def test_layers_take_shoppers_whatever_their_arm_elsewhere() -> None:
    """Chi-square of arm against layer over 20,000 shoppers; seeded by names, so it cannot fail by chance anew."""
    one, other = record("one", layer="a"), record("other", layer="b")
    running, table = Running([one, other]), Counter[tuple[str | None, str]]()
    for user in range(20_000):
        placed = running.placement(f"shopper {user}")
        assert placed is not None
        table[arm_of(one, f"shopper {user}"), placed.experiment.name] += 1
    rows = [[table[arm, name] for name in ("one", "other")] for arm in ("template", "warm")]
    assert scipy.stats.chi2_contingency(rows).pvalue > 0.01
