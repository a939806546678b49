"""Cohort cells as the policy is fitted to them: names, revisions, tombstones, ages. Same cells, same snapshot."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from learn_rig import ARMS, SETUP, cohorts, record

from inference.decide.buckets import Ageing
from inference.decide.fit import Tally
from schemas.cells import DAY, OTHERS, YOUNG, ArmCell, Cell, bucket_name
from schemas.policies import PolicySnapshot
from schemas.token import code_of
from streams.kafka.records import Record
from streams.learn.cohorts import Cohorts
from streams.learn.setup import LearnSetup
from streams.learn.snapshots import next_snapshot

DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
TODAY = 20_000 * DAY_MS
AGED = msgspec.structs.replace(SETUP, ageing=Ageing(14.0, 48.0))


def young(start_ms: int) -> str:
    return bucket_name(YOUNG, start_ms)


def day(start_ms: int) -> str:
    return bucket_name(DAY, start_ms)


def removed(known: Record) -> Record:
    return msgspec.structs.replace(known, value=None)


def place(made: Cohorts, at_ms: int | None = None) -> Tally:
    (tally,) = made.tallies(made.as_of_ms() if at_ms is None else at_ms)[0].values()
    return tally


def test_only_arms_of_the_experiment_are_learned_about() -> None:
    records = (
        record("good", impressions=10, clicks=4, impressed_orders=1),
        record("gone", impressions=10, clicks=4),
        record("good", experiment="older", impressions=10, clicks=4),
        Record("metrics", 0, 0, 0, Cell("cohort", "life", OTHERS).text().encode(), b"{}"),
        Record("metrics", 0, 0, 0, b"junk", b"{}"),
    )
    made = cohorts(*records)
    assert made.tallies(None)[0] == {("bags", "new", "good"): Tally(4, 10)}
    assert made.skipped == 1
    orders = cohorts(*records, setup=msgspec.structs.replace(SETUP, reward="order"))
    assert place(orders, 0) == Tally(1, 10)


def test_a_cell_whose_names_are_not_known_yet_waits() -> None:
    cell = Cell("cohort", "life", ArmCell(code_of("x"), code_of("bags"), code_of("new"), code_of("good")))
    value = msgspec.json.decode(record("good", impressions=10).value or b"")
    value["segment"] = f"{code_of('new'):08x}"
    made = cohorts(Record("metrics", 0, 0, 0, cell.text().encode(), msgspec.json.encode(value)))
    assert made.tallies(None)[0] == {}


def test_lower_revisions_are_old_news_and_a_tombstone_removes() -> None:
    made = cohorts(record("good", 5, impressions=10), record("good", 4, impressions=8))
    assert (place(made, 0).trials, made.version) == (10, 1)
    made.take([record("good", 6, impressions=10)])
    assert made.version == 1
    made.take([removed(record("good"))])
    assert (made.tallies(None)[0], made.version) == ({}, 2)
    made.take([record("good", 1, impressions=3)])
    assert place(made, 0).trials == 3


def test_without_ages_only_sums_for_all_time_are_held() -> None:
    made = cohorts(record("good", impressions=10), record("good", bucket=day(TODAY), impressions=10))
    assert (made.as_of_ms(), place(made, 0)) == (None, Tally(0, 10))


def test_a_half_life_forgets_by_the_day_and_what_is_older_than_the_days() -> None:
    """Noon of the newest day: a day that was a fortnight before it counts half; ten more in no day count nothing."""
    made = cohorts(
        record("good", bucket=day(TODAY), impressions=100, clicks=20),
        record("good", bucket=day(TODAY - 14 * DAY_MS), impressions=100, clicks=40),
        record("good", impressions=210, clicks=60),
        setup=AGED,
    )
    assert made.as_of_ms() == TODAY + DAY_MS // 2
    found = place(made)
    fresh = 0.5 ** ((6 * HOUR_MS + 2.5 * MINUTE_MS) / (14 * DAY_MS))
    old = 0.5 ** (5 * MINUTE_MS / (14 * DAY_MS) + 1)
    assert found.trials == pytest.approx(100 * fresh + 100 * old, rel=1e-4)
    assert found.successes == pytest.approx(20 * fresh + 40 * old, rel=1e-4)


def test_young_decisions_count_as_much_as_their_successes_have_come() -> None:
    """Mature days say 20 %; of the last five minutes only a quarter of that has come, so they count a quarter."""
    ages = Ageing(None, 48.0)
    made = cohorts(
        record("good", bucket=day(TODAY - 5 * DAY_MS), impressions=10_000, clicks=2_000),
        record("good", bucket=young(TODAY), impressions=400, clicks=20),
        record("good", bucket=day(TODAY), impressions=400, clicks=20),
        record("good", impressions=10_400, clicks=2_020),
        setup=msgspec.structs.replace(SETUP, ageing=ages),
    )
    tallies, curve = made.tallies(made.as_of_ms())
    assert curve.share(2.5 * MINUTE_MS) == pytest.approx(0.25)
    assert tallies["bags", "new", "good"] == Tally(2_020, 10_100)


def test_a_bucket_that_goes_while_learn_reads_takes_nothing_with_it() -> None:
    """Its decisions are then a part of their day, a little older, whichever of both is told first."""
    gone = record("good", bucket=young(TODAY + HOUR_MS), impressions=40, clicks=4)
    made = cohorts(
        gone,
        record("good", bucket=young(TODAY + 3 * HOUR_MS), impressions=60, clicks=6),
        record("good", bucket=day(TODAY), impressions=100, clicks=10),
        record("good", impressions=100, clicks=10),
        setup=AGED,
    )
    before = place(made)
    made.take([removed(gone)])
    after = place(made)
    assert after.trials == pytest.approx(before.trials, rel=2e-3)
    assert after.successes == pytest.approx(before.successes, rel=2e-3)
    made.take([removed(gone)])
    assert place(made) == after


def test_a_short_bucket_ahead_of_its_day_is_no_debt() -> None:
    made = cohorts(
        record("good", bucket=young(TODAY), impressions=60, clicks=30),
        record("good", bucket=day(TODAY), impressions=50, clicks=20),
        record("good", impressions=50, clicks=20),
        setup=AGED,
    )
    assert place(made).trials == pytest.approx(60, rel=1e-3)


def test_time_is_told_by_events() -> None:
    made = cohorts(setup=AGED)
    assert made.as_of_ms() is None
    made.take([record("good", bucket=day(TODAY), impressions=1)])
    assert made.as_of_ms() == TODAY + DAY_MS // 2
    made.take([record("good", bucket=young(TODAY + HOUR_MS), impressions=1)])
    assert made.as_of_ms() == TODAY + HOUR_MS


def test_time_does_not_go_back_where_a_shop_falls_quiet() -> None:
    made = cohorts(*HISTORY, setup=AGED)
    first = next_snapshot(AGED, made, None, 7)
    assert first is not None
    assert first.basis is not None
    assert first.basis.as_of_ms == TODAY + 20 * HOUR_MS
    made.take([removed(each) for each in HISTORY if (each.key or b"").startswith(b"cohort|5m:")])
    second = next_snapshot(AGED, made, first, 8)
    assert second is None or (second.basis is not None and second.basis.as_of_ms == first.basis.as_of_ms)


def some_history(seed: int = 3) -> list[Record]:
    """Ten days of three arms in four cells, the last hours also in short buckets, and sums that hold together."""
    chance = random.Random(seed)
    found = []
    for category in ("bags", "shoes"):
        for segment in ("new", "regular"):
            for arm in ARMS:
                total = {"impressions": 0, "clicks": 0}
                for back in range(10):
                    counts = {"impressions": 0, "clicks": 0}
                    for step in range(8 if back == 0 else 1):
                        shown = chance.randint(20, 400)
                        clicks = sum(chance.random() < 0.2 for _ in range(shown))
                        counts = {
                            "impressions": counts["impressions"] + shown,
                            "clicks": counts["clicks"] + clicks,
                        }
                        if back == 0:
                            start = TODAY + 20 * HOUR_MS - step * 15 * MINUTE_MS
                            found.append(
                                record(
                                    arm,
                                    category=category,
                                    segment=segment,
                                    bucket=young(start),
                                    impressions=shown,
                                    clicks=clicks,
                                )
                            )
                    bucket = day(TODAY - back * DAY_MS)
                    found.append(record(arm, category=category, segment=segment, bucket=bucket, **counts))
                    total = {name: total[name] + counts[name] for name in total}
                found.append(record(arm, category=category, segment=segment, **total))
    return found


HISTORY = some_history()


def refitted(snapshot: PolicySnapshot, setup: LearnSetup, made: Cohorts) -> PolicySnapshot | None:
    """What whoever has the cells and the snapshot comes to."""
    return next_snapshot(setup, made, msgspec.structs.replace(snapshot, cells=[], prior={}), snapshot.created_ms)


@given(st.randoms(use_true_random=False))
def test_the_same_cells_give_the_same_beliefs_to_the_last_bit_in_any_order(chance: random.Random) -> None:
    first = next_snapshot(AGED, cohorts(*HISTORY, setup=AGED), None, 7)
    assert first is not None
    shuffled = [*HISTORY, *chance.sample(HISTORY, 40)]
    chance.shuffle(shuffled)
    # A writer that was started anew read them in another order, some of them twice.
    again = cohorts(*shuffled, setup=AGED)
    assert next_snapshot(AGED, again, first, 8) is None
    made = refitted(first, AGED, again)
    assert made is not None
    assert (made.cells, made.prior, made.basis) == (first.cells, first.prior, first.basis)


def test_other_columns_beside_it_do_not_change_a_bit_of_an_arms_counts() -> None:
    alone = [each for each in HISTORY if b"|" + f"{code_of('bags'):08x}".encode() in (each.key or b"")]
    few, many = (cohorts(*records, setup=AGED) for records in (alone, HISTORY))
    at_ms = few.as_of_ms()
    # The delay curve is of all arms together; without it the rest is each arm's own.
    for made in (few, many):
        made._ageing = Ageing(14.0, None)
    some, all_ = few.tallies(at_ms)[0], many.tallies(at_ms)[0]
    assert some == {where: all_[where] for where in some}
    assert len(all_) > len(some) > 0


def test_rows_and_columns_grow_and_empty_rows_go() -> None:
    records = [
        record("good", category=f"c{number}", bucket=bucket, impressions=number + 1)
        for number in range(700)
        for bucket in ("life", day(TODAY))
    ]
    made = cohorts(*records, setup=AGED)
    tallies = made.tallies(made.as_of_ms())[0]
    assert len(tallies) == 700
    kept = 0.5 ** ((6 * HOUR_MS + 2.5 * MINUTE_MS) / (14 * DAY_MS))
    found = np.array([tallies[f"c{number}", "new", "good"].trials for number in range(700)])
    assert found == pytest.approx(np.arange(1, 701) * kept, rel=1e-4)
    made.take([removed(each) for each in records if b"|1d:" in (each.key or b"")])
    assert made.as_of_ms() is None


def test_a_snapshot_names_what_it_was_fitted_with() -> None:
    made = next_snapshot(AGED, cohorts(*HISTORY, setup=AGED), None, 7)
    assert made is not None
    assert made.basis is not None
    assert (made.basis.half_life_days, made.basis.mature_hours, made.basis.reward) == (14.0, 48.0, "click")
    assert (made.basis.shrinkage, made.basis.sharpness) == (20.0, 1.0)
    assert len(made.basis.delay_ms) == len(made.basis.delay_shares) > 0
    assert "which weigh as" in made.why
