"""What is retired: declines that others do not share, texts that a segment knows by heart, a few a day."""

import pytest

from inference.fatigue.decline import Day
from inference.fatigue.novelty import familiarity
from inference.fatigue.retire import FatigueRules, Tired, chosen, declined, spent
from inference.text.embedder import HashedTfidf

RULES = FatigueRules(alpha=0.01, drop=0.1, spent=0.8, looks=1_000, a_day=3)
FALLS = [Day(100, 1_000)] * 10 + [Day(60, 1_000)] * 10
STEADY = [Day(90, 900)] * 20


def test_a_decline_that_others_do_not_share_is_told_with_its_figures() -> None:
    found = declined(FALLS, STEADY, RULES)
    assert found is not None
    assert (found.reason, found.figures["before"], found.figures["after"]) == ("decline", 0.1, 0.06)
    assert found.figures["beside_others"] == pytest.approx(0.6)
    assert found.why().startswith("its click rate has declined: p ")


def test_a_week_in_which_everything_falls_retires_nothing() -> None:
    assert declined(FALLS, FALLS, RULES) is None


def test_a_decline_that_is_sure_but_small_retires_nothing() -> None:
    days = [Day(100_000, 1_000_000)] * 10 + [Day(95_000, 1_000_000)] * 10
    assert declined(days, [Day(0, 0)] * 20, RULES) is None
    assert declined(days, [Day(0, 0)] * 20, FatigueRules(drop=0.01)) is not None


def test_a_text_is_familiar_by_what_was_seen_of_it_and_of_texts_like_it() -> None:
    embed = HashedTfidf().embed
    (one, same, other) = embed(["{NAME} waits for you.", "{name} waits, for you!", "Cook tonight with a new pan."])
    assert familiarity(one, []) is None
    assert familiarity(one, [(same, 900), (other, 100)]) == pytest.approx(0.9)
    assert familiarity(other, [(same, 900), (other, 100)]) == pytest.approx(0.1)
    found = spent(0.9, 1_000, RULES)
    assert found is not None
    assert found.reason == "familiar"
    assert spent(0.9, 999, RULES) is None
    assert spent(0.79, 9_999, RULES) is None
    assert spent(None, 9_999, RULES) is None


def test_declines_come_first_and_the_days_budget_is_kept() -> None:
    tired = [
        (name, Tired(reason=reason, weight=weight, figures={}))
        for name, reason, weight in (
            ("a", "familiar", 0.9), ("b", "decline", 1e3), ("c", "decline", 1e9), ("d", "familiar", 0.95),
        )
    ]  # fmt: skip
    assert [name for name, _ in chosen(tired, 0, RULES)] == ["c", "b", "d"]
    assert [name for name, _ in chosen(tired, 2, RULES)] == ["c"]
    assert chosen(tired, 9, RULES) == []
