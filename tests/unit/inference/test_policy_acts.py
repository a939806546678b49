"""What a person does to the policy, and how its history tells it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inference.decide.acts import Act, killed, resumed, revived, rolled_back, set_to
from inference.decide.history import Gap, cause_of, gaps, step, steps
from inference.decide.policy import fixed_prior
from schemas.errors import ConfigError
from schemas.policies import Basis, Beta, Cell, ConversionFit, PolicySnapshot

ARMS = ("template", "good", "bad")


def learned(version: int, rate: float = 0.1, **changes: object) -> PolicySnapshot:
    made = fixed_prior(
        version=version, experiment="x", arms=ARMS, epsilon=0.1, draws=64, created_ms=version, by="learn", why="counts"
    )
    cells = [Cell(category="bags", segment="new", arms=dict.fromkeys(ARMS, Beta(100 * rate, 100 - 100 * rate)))]
    basis = Basis(as_of_ms=version, reward="click", shrinkage=20, sharpness=4)
    return replace(made, cells=cells, cause="learned", basis=basis, **changes)


def act(at_ms: int = 99) -> Act:
    return Act("ann", "looked odd", at_ms)


def test_a_rollback_has_the_old_beliefs_under_a_new_version_and_says_who_and_why() -> None:
    fit = ConversionFit(base="b", weights={}, texts=1, impressions=1)
    newest = learned(9, 0.3, conversion=fit, conversion_version="c9", epsilon=0.2)
    made = rolled_back(newest, learned(4, 0.1), act())
    assert (made.version, made.seed, made.held, made.created_ms) == (10, "x:10", 4, 99)
    assert (made.by, made.why, made.cause) == ("ann", "looked odd", "rollback")
    assert (made.cells, made.basis) == (learned(4, 0.1).cells, learned(4, 0.1).basis)
    # What is no belief about an arm stays.
    assert (made.epsilon, made.conversion, made.conversion_version) == (0.2, fit, "c9")


def test_an_arm_that_the_old_version_did_not_know_keeps_its_newest_prior() -> None:
    newest = learned(9)
    newest = replace(newest, prior={**newest.prior, "later": Beta(3.0, 97.0)})
    made = rolled_back(newest, replace(learned(4), prior=dict.fromkeys(ARMS, Beta(5.0, 5.0))), act())
    assert made.prior == {**dict.fromkeys(ARMS, Beta(5.0, 5.0)), "later": Beta(3.0, 97.0)}


def test_a_rollback_to_a_rollback_names_the_version_that_was_learned() -> None:
    once = rolled_back(learned(9), learned(4), act())
    assert rolled_back(learned(12), once, act()).held == 4


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(ConfigError):
        rolled_back(learned(9), replace(learned(4), experiment="older"), act())
    with pytest.raises(ConfigError):
        resumed(learned(9), act())
    with pytest.raises(ConfigError):
        revived(learned(9), act())


@given(st.lists(st.sampled_from(["kill", "rollback", "resume", "revive"]), max_size=8))
def test_kill_and_rollback_do_not_undo_one_another(words: list[str]) -> None:
    """Whatever comes in whichever order, the switch is as it was set last, and so are the beliefs."""
    newest, old = learned(9, 0.3), learned(4, 0.1)
    kill, held, version = False, None, 9
    for word in words:
        try:
            match word:
                case "kill":
                    newest, kill = killed(newest, act()), True
                case "revive":
                    newest, kill = revived(newest, act()), False
                case "rollback":
                    newest, held = rolled_back(newest, old, act()), 4
                case _:
                    newest, held = resumed(newest, act()), None
        except ConfigError:
            assert (word == "revive" and not kill) or (word == "resume" and held is None)
            continue
        version += 1
        assert (newest.version, newest.cause, newest.by, newest.why) == (version, word, "ann", "looked odd")
    assert (newest.kill, newest.held) == (kill, held)
    if version > 9:
        assert newest.seed == f"x:{version}"


def test_a_fixed_prior_ends_both_and_keeps_what_is_known_of_texts() -> None:
    stopped = killed(rolled_back(learned(9, conversion_version="c9"), learned(4), act()), act())
    prior = fixed_prior(
        version=12, experiment="x", arms=ARMS, epsilon=0.1, draws=64, created_ms=5, by="ann", why="anew"
    )
    made = set_to(stopped, prior)
    assert (made.kill, made.held, made.cause, made.conversion_version, made.cells) == (False, None, "set", "c9", [])
    assert set_to(None, prior, kill=True).cause == "kill"


def test_every_act_shows_with_its_cause_author_and_change() -> None:
    first = learned(1)
    second = learned(2, 0.2)
    third = killed(second, act())
    fourth = revived(third, act())
    fifth = rolled_back(fourth, first, act())
    sixth = resumed(fifth, act())
    told = list(steps([first, second, third, fourth, fifth, sixth]))
    assert [each.cause for each in told] == ["learned", "learned", "kill", "revive", "rollback", "resume"]
    assert [each.by for each in told] == ["learn", "learn", "ann", "ann", "ann", "ann"]
    assert [each.changes for each in told] == [
        ["the first version"],
        ["3 beliefs moved"],
        ["all copy stopped"],
        ["copy shown again"],
        ["beliefs of version 1 held", "3 beliefs moved"],
        ["learning goes on"],
    ]
    move = told[1].move
    assert move is not None
    assert (move.category, move.segment, move.before, move.after) == ("bags", "new", 0.1, 0.2)


def test_settings_arms_and_models_show() -> None:
    after = learned(3, epsilon=0.2, draws=32, conversion_version="c1")
    after = replace(after, prior={"template": Beta(1, 1), "good": Beta(1, 1), "late": Beta(1, 1)}, cells=[])
    assert step(learned(2), after).changes == [
        "epsilon 0.1 to 0.2",
        "draws 64 to 32",
        "arms +late",
        "arms -bad",
        "cells 1 to 0",
        "P_conv none to c1",
    ]


def test_a_log_that_begins_late_or_has_holes_says_so() -> None:
    assert gaps([]) == []
    assert gaps([1, 2, 3]) == []
    assert gaps([7, 4, 5, 9]) == [Gap(1, 3), Gap(6, 6), Gap(8, 8)]
    told = list(steps([learned(4), learned(5, 0.2), learned(9)]))
    assert [each.changes for each in told] == [None, ["3 beliefs moved"], None]


def test_the_second_of_two_with_one_version_is_said_to_count_for_nothing() -> None:
    told = list(steps([learned(4), learned(4, 0.2), learned(5)]))
    assert told[1].changes == ["a version of this number was there: no worker takes it"]
    assert told[2].changes == []


def test_causes_of_records_that_are_older_than_causes() -> None:
    assert cause_of(learned(1, by="learn")) == "learned"
    bare = replace(learned(1), cause="")
    assert [cause_of(bare), cause_of(replace(bare, by="ann")), cause_of(replace(bare, by="ann", kill=True))] == [
        "learned",
        "set",
        "kill",
    ]
