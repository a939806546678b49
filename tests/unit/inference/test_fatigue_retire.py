"""What is retired: declines that others do not share, texts that a segment knows by heart, a few a day."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.experiment.exact import upper
from inference.fatigue.decline import Day
from inference.fatigue.novelty import Looks
from inference.fatigue.retire import Budget, Candidate, FatigueRules, Tired, chosen, declined, spent
from inference.text.embedder import HashedTfidf, cosine

RULES = FatigueRules(alpha=0.01, drop=0.1, spent=0.8, looks=1_000, a_day=3, entries_a_day=100)
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


@pytest.mark.statistical
def test_a_policy_that_shows_what_was_lucky_retires_no_more_than_alpha() -> None:
    """Four texts of one rate in each of 75 segments, 30 days of 400 looks, of which the best so far gets 95 %. The
    99.9 % upper bound of the share that is retired lies below alpha.
    """
    rng, rules = np.random.default_rng(3), FatigueRules(alpha=0.05)
    found = 0
    for _ in range(75):
        clicks, looks = np.zeros(4), np.zeros(4)
        days: list[list[Day]] = [[], [], [], []]
        for _ in range(30):
            shares = np.full(4, 0.0125)
            shares[int(np.argmax((clicks + 1) / (looks + 2)))] += 0.95
            shown = rng.multinomial(400, shares)
            clicked = rng.binomial(shown, 0.05)
            for text, day in enumerate(days):
                day.append(Day(int(clicked[text]), int(shown[text])))
            clicks, looks = clicks + clicked, looks + shown
        for own in days:
            whole = [(sum(day[n].clicks for day in days), sum(day[n].impressions for day in days)) for n in range(30)]
            others = [Day(c - day.clicks, n - day.impressions) for (c, n), day in zip(whole, own, strict=True)]
            found += declined(own, others, rules) is not None
    assert upper(found, 300, 0.999) < rules.alpha


def test_a_decline_that_is_sure_but_small_retires_nothing() -> None:
    days = [Day(100_000, 1_000_000)] * 10 + [Day(95_000, 1_000_000)] * 10
    assert declined(days, [Day(0, 0)] * 20, RULES) is None
    assert declined(days, [Day(0, 0)] * 20, FatigueRules(drop=0.01)) is not None


def test_days_that_are_held_as_a_sum_only_say_the_same_of_the_rates() -> None:
    past, others_past = Day(1_000, 10_000), Day(900, 9_000)
    found = declined(FALLS[10:], STEADY[10:], RULES, past, others_past)
    assert found is not None
    assert (found.figures["before"], found.figures["after"], found.figures["days"]) == (0.1, 0.06, 10)
    assert found.figures["beside_others"] == pytest.approx(0.6)


WORDS = st.text("abc {}N", min_size=1, max_size=20).filter(str.strip)


@given(WORDS, st.lists(st.tuples(WORDS, st.integers(1, 1_000)), min_size=1, max_size=6))
def test_familiarity_is_the_mean_cosine_to_every_look(text: str, seen: list[tuple[str, int]]) -> None:
    (own, *others) = HashedTfidf().embed([text, *(each for each, _ in seen)])
    looks = Looks()
    for other, (_, impressions) in zip(others, seen, strict=True):
        looks.add(other, impressions)
    whole = sum(impressions for _, impressions in seen)
    likenesses = [
        impressions * cosine(own, other) if own.indices else 0.0
        for other, (_, impressions) in zip(others, seen, strict=True)
    ]
    assert looks.familiarity(own) == pytest.approx(sum(likenesses) / whole)


def test_a_text_is_spent_where_it_is_familiar_and_does_no_better_than_others() -> None:
    (one, same, other) = HashedTfidf().embed(
        ["{NAME} waits for you.", "{name} waits, for you!", "Cook tonight with a new pan."]
    )
    looks = Looks()
    assert looks.familiarity(one) is None
    looks.add(same, 900)
    looks.add(other, 100)
    assert looks.familiarity(one) == pytest.approx(0.9)
    assert looks.familiarity(other) == pytest.approx(0.1)
    own, others = Day(50, 1_000), Day(60, 1_000)
    found = spent(0.9, own, others, RULES)
    assert found is not None
    assert found.reason == "familiar"
    assert found.figures == {"familiarity": 0.9, "looks": 1_000.0, "rate": 0.05, "others": 0.06}
    assert spent(0.9, Day(50, 999), others, RULES) is None
    assert spent(0.79, own, others, RULES) is None
    assert spent(None, own, others, RULES) is None
    # What wins stays, and so does what nothing can be compared with.
    assert spent(0.9, Day(61, 1_000), others, RULES) is None
    assert spent(0.9, own, Day(0, 0), RULES) is None


def candidate(name: str, reason: str, weight: float, entries: int = 1) -> Candidate[str]:
    return Candidate(name, Tired(reason=reason, weight=weight, figures={}), entries)  # type: ignore[arg-type]


def names(found: list[Candidate[str]]) -> list[str]:
    return [each.name for each in found]


def test_declines_come_first_and_the_days_budget_is_kept() -> None:
    tired = [
        candidate("a", "familiar", 0.9),
        candidate("b", "decline", 1e3),
        candidate("c", "decline", 1e9),
        candidate("d", "familiar", 0.95),
    ]
    assert names(chosen(tired, Budget(), RULES)) == ["c", "b", "d"]
    assert names(chosen(tired, Budget(2, 2), RULES)) == ["c"]
    assert chosen(tired, Budget(9, 9), RULES) == []
    assert names(chosen(tired, Budget(1, 99), RULES)) == ["c"]


def test_a_text_that_stands_in_more_entries_than_a_day_writes_has_a_day_of_its_own() -> None:
    wide, narrow = candidate("wide", "decline", 1e9, 5_000), candidate("narrow", "decline", 1e3, 2)
    assert names(chosen([wide, narrow], Budget(), RULES)) == ["wide"]
    assert names(chosen([wide, narrow], Budget(1, 2), RULES)) == ["narrow"]


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(1, 150)), max_size=12),
    st.integers(0, 5),
    st.integers(0, 150),
)
def test_no_day_goes_over_its_budget(found: list[tuple[float, int]], texts: int, entries: int) -> None:
    tired = [candidate(str(number), "decline", *each) for number, each in enumerate(found)]
    now = chosen(tired, Budget(texts, entries), RULES)
    assert len(now) <= max(0, RULES.a_day - texts)
    whole = entries + sum(each.entries for each in now)
    assert not now or whole <= RULES.entries_a_day or (texts == 0 and len(now) == 1)
