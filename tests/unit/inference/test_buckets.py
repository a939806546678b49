"""Cohorts that do not overlap, from buckets that do; and what they say today."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.decide.buckets import DAY_MS, HOUR_MS, NO_AGEING, Ageing, Buckets, Pair, cohorts, counted
from schemas.cells import DAY, YOUNG, is_kept

WIDTH = YOUNG.width_ms
ARMS = 3

Decision = tuple[int, int, bool]
"""When (in steps of 5 minutes), which arm, whether it had a success."""

LOGS = st.lists(
    st.tuples(st.integers(0, 40 * 24 * 12), st.integers(0, ARMS - 1), st.booleans()), min_size=1, max_size=60
)


def empty() -> Pair:
    return Pair(np.zeros(ARMS), np.zeros(ARMS))


def published(log: list[Decision]) -> tuple[Buckets, int]:
    """The buckets that collect keeps of a log, and the start of the newest short one."""
    high = max(step for step, _, _ in log) * WIDTH
    young: dict[int, Pair] = {}
    days: dict[int, Pair] = {}
    life = empty()
    for step, arm, won in log:
        start = step * WIDTH
        places = [(young, start, YOUNG), (days, start - start % DAY_MS, DAY)]
        kept = [into.setdefault(at, empty()) for into, at, width in places if is_kept(width, at, high)]
        for pair in (*kept, life):
            pair.trials[arm] += 1
            pair.successes[arm] += won
    return Buckets(young, days, life, WIDTH), high


@given(LOGS)
def test_every_decision_is_in_one_cohort_once_and_no_cohort_is_of_the_future(log: list[Decision]) -> None:
    buckets, as_of = published(log)
    found = cohorts(buckets, as_of)
    assert sum(each.counts.trials for each in found) == pytest.approx(buckets.life.trials)
    assert sum(each.counts.successes for each in found) == pytest.approx(buckets.life.successes)
    assert all(each.age_ms >= 0 for each in found)
    assert all((each.counts.successes <= each.counts.trials).all() for each in found)


@given(LOGS)
def test_a_cohorts_age_is_near_the_age_of_each_of_its_decisions(log: list[Decision]) -> None:
    """A short bucket is off by half its length, a day by half a day."""
    buckets, as_of = published(log)
    by_age = {round(each.age_ms): each.counts.trials.sum() for each in cohorts(buckets, as_of) if each.age_ms < 1e15}
    for step in {step for step, _, _ in log}:
        age = as_of - step * WIDTH + WIDTH / 2
        young = is_kept(YOUNG, step * WIDTH, as_of)
        near = WIDTH / 2 if young else DAY_MS / 2 + WIDTH
        if young or is_kept(DAY, step * WIDTH - step * WIDTH % DAY_MS, as_of):
            assert any(abs(told - age) <= near and count for told, count in by_age.items())


@given(LOGS)
def test_without_ageing_it_is_the_sum_for_all_time(log: list[Decision]) -> None:
    buckets, as_of = published(log)
    pair, curve = counted(buckets, as_of, NO_AGEING)
    assert pair is buckets.life
    assert curve.share(1) == 1.0
    late, _ = counted(buckets, as_of, Ageing(None, 48.0))
    # Fewer than a hundred successes tell no delay.
    assert late.trials == pytest.approx(buckets.life.trials)


@given(LOGS, st.floats(0.5, 100))
def test_forgetting_never_adds_and_a_longer_memory_keeps_more(log: list[Decision], half_life_days: float) -> None:
    buckets, as_of = published(log)
    short, _ = counted(buckets, as_of, Ageing(half_life_days, None))
    long, _ = counted(buckets, as_of, Ageing(2 * half_life_days, None))
    for one, more in zip(short, long, strict=True):
        assert (one <= more + 1e-9).all()
    assert (long.trials <= buckets.life.trials + 1e-9).all()
    assert (short.successes <= short.trials + 1e-9).all()


def test_the_delay_is_learned_from_days_and_makes_young_decisions_count_less() -> None:
    """A rate of 10 % of which half has come after two hours: what is counted today says 10 % all the same."""
    days = {day * DAY_MS: Pair(np.array([100.0]), np.array([1000.0])) for day in range(5, 10)}
    young = {10 * DAY_MS + step * WIDTH: Pair(np.array([5.0]), np.array([100.0])) for step in range(10)}
    days[10 * DAY_MS] = Pair(np.array([50.0]), np.array([1000.0]))
    life = Pair(np.array([550.0]), np.array([6000.0]))
    pair, curve = counted(Buckets(young, days, life, WIDTH), 10 * DAY_MS + 9 * WIDTH, Ageing(None, 48.0))
    assert curve.share(HOUR_MS / 2) == pytest.approx(0.5)
    assert pair.successes / pair.trials == pytest.approx([0.1], rel=0.02)
    assert pair.successes == pytest.approx([550.0])
