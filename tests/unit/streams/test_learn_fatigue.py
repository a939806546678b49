"""What the policy writer retires: the whole rule on cells as they come in, its error rate, its budget, and restarts."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worn_texts import START_MS, Following, Shop, cell, day, due, entry, gone, said, setup, words

from inference.experiment.exact import upper
from inference.fatigue.decline import Day
from schemas.cells import DAY_MS, LIFE, OTHERS, Cell
from schemas.retirements import Retirement
from schemas.token import code_of
from streams.kafka.records import Record
from streams.learn import pool_places as pool_places_module
from streams.learn.fatigue import STRETCH
from streams.learn.pool_places import standing
from streams.learn.text_days import Place, TextDays
from streams.learn.texts import PoolTexts

HALVES = [0.1] * 10 + [0.05] * 10
STAYS = [0.1] * 20


@pytest.mark.statistical
def test_copy_with_a_rate_that_stays_is_hardly_ever_retired_and_copy_that_halves_is() -> None:
    """Sixty texts in each of four shops for 30 days, 300 looks a text and day, looked at every morning at alpha = 5 %.
    Of 200 that stay at 2 to 20 % the 99.9 % upper bound of the share that is ever retired lies below alpha. Of 40 that
    halve on the 11th day at least 38 go: fewer would come up less than once in 1,000 where 99.5 % are found.
    """
    wrongly, rightly = 0, 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rates = {f"stays{number}": [float(rate)] * 30 for number, rate in enumerate(rng.uniform(0.02, 0.2, 50))}
        rates |= {f"halves{number}": [0.1] * 10 + [0.05] * 20 for number in range(10)}
        found = Shop(rates, 300, seed).life(setup(alpha=0.05, a_day=1_000), 30)
        assert {each.reason for each in found} == {"decline"}
        wrongly += sum(each.copy_id.startswith("stays") for each in found)
        rightly += sum(each.copy_id.startswith("halves") for each in found)
    assert upper(wrongly, 200, 0.999) < 0.05
    assert rightly >= 38


def test_a_record_says_who_when_why_and_by_which_figures() -> None:
    shop = Shop({"a": HALVES, "b": STAYS}, 1_000, 1)
    (found,) = shop.life(setup(), 20)
    assert (found.copy_id, found.segment, found.slot_text, found.entries) == ("a", "new", words(0), 1)
    assert (found.by, found.reason) == ("learn", "decline")
    assert found.why.startswith("its click rate has declined: p ")
    figures = found.figures
    assert figures["p"] <= figures["alpha"] == 0.01
    assert figures["after"] < 0.08 < 0.09 < figures["before"]
    assert figures["p_beside_others"] <= 0.01
    assert figures["beside_others"] < 0.8
    # In the days after the 11th, each of which is tested a day after its end.
    assert 11 <= (found.time_ms - START_MS) // DAY_MS - 1 <= 13


def test_a_day_is_not_tested_before_its_clicks_have_come_in() -> None:
    shop, made = Shop({"a": HALVES, "b": STAYS}, 2_000, 1), Following(setup(settle_ms=DAY_MS // 2))
    made.told([record for number in range(1, 12) for record in shop.morning(number)], shop.pool, [])
    over_ms = START_MS + 11 * DAY_MS
    assert due(made, over_ms + DAY_MS // 2 - 1) == []
    assert [each.copy_id for each in due(made, over_ms + DAY_MS // 2)] == ["a"]


def test_what_everybody_loses_retires_nobody() -> None:
    assert Shop(dict.fromkeys("abc", HALVES), 1_000, 2).life(setup(), 20) == []


def test_a_text_that_left_the_pool_is_not_retired_and_one_that_shares_a_code_neither(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, made = Shop({"a": HALVES, "b": STAYS}, 2_000, 1), Following(setup())
    cells = [record for number in range(1, 21) for record in shop.morning(number)]
    made.told(cells, [*shop.pool, gone(shop.pool[0])], [])
    assert due(made, START_MS + 22 * DAY_MS) == []
    pool = PoolTexts()
    monkeypatch.setattr(pool_places_module, "code_of", lambda name: 7 if name in "ab" else code_of(name))
    for record in (*shop.pool, entry("p9", ("c", "Third.")), entry("p8", ("c", "Third."))):
        pool.take(record)
    ((place, found),) = standing(pool).items()
    assert place == Place(code_of("new"), code_of("c"))
    assert found.entries == 2


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 3), st.integers(0, 6))
def test_a_writer_that_dies_neither_loses_nor_doubles_a_retirement_and_the_budget_holds(
    chance: random.Random, a_day: int, kept: int
) -> None:
    """Whatever order it reads in, and however many records of the day stood on the topic when it died."""
    texts = {f"worn{number}": [0.1] * 4 + [0.02] * 2 for number in range(5)}
    texts |= {f"stays{number}": [0.1] * 6 for number in range(10)}
    shop = Shop(texts, 2_000, 3)
    records = [record for number in range(1, 7) for record in shop.morning(number)]
    watching, done = setup(a_day=a_day), list[Retirement]()
    for today in range(8, 12):
        now_ms = START_MS + today * DAY_MS
        first = Following(watching)
        first.told(records, shop.pool, said(done))
        found = due(first, now_ms)
        assert len(found) == min(a_day, 5 - len(done))
        assert not {each.key() for each in found} & {each.key() for each in done}
        # Transactions are whole; without them some of the records may stand there.
        stood = found[: min(kept, len(found))]
        again = Following(watching)
        newest = list({record.key: record for record in records}.values())
        chance.shuffle(newest)
        again.told(newest, chance.sample(shop.pool, len(shop.pool)), said([*done, *stood]))
        rest = due(again, now_ms + 1)
        assert [each.copy_id for each in [*stood, *rest]] == [each.copy_id for each in found]
        done += [*stood, *rest]
    assert len({each.key() for each in done}) == len(done) == min(5, 4 * a_day)
    assert not [each for each in done if each.copy_id.startswith("stays")]


def test_what_waits_for_a_budget_is_told() -> None:
    shop, made = Shop({"a": HALVES, "b": HALVES, "c": STAYS, "d": STAYS}, 2_000, 1), Following(setup(a_day=1))
    made.told([record for number in range(1, 21) for record in shop.morning(number)], shop.pool, [])
    assert len(due(made, START_MS + 22 * DAY_MS)) == 1
    assert made.waiting == 1


def test_a_round_is_worked_off_in_stretches_and_begins_again_while_days_fill_up() -> None:
    shop, made = Shop({"a": HALVES, "b": STAYS}, 2_000, 1), Following(setup())
    more = [entry(f"q{number}", (f"c{number}", words(100 + number))) for number in range(2 * STRETCH)]
    seen = [cell(f"c{number}", LIFE, 1, 10) for number in range(2 * STRETCH)]
    now_ms = START_MS + 22 * DAY_MS
    made.told(seen, [*more, *shop.pool], [])
    assert due(made, now_ms) == []
    assert made.due(now_ms) == []
    made.told([record for number in range(1, 21) for record in shop.morning(number)], [], [])
    looks = 0
    while not (found := made.due(now_ms + 1)):
        looks += 1
    assert [each.copy_id for each in found] == ["a"]
    # Some 200 texts are embedded, and tested, in two stretches each.
    assert looks == 4


def test_a_text_that_its_segment_knows_by_heart_is_retired_where_it_does_no_better() -> None:
    same = "{NAME} waits for you."
    pool = [entry("p1", ("a", same)), entry("p2", ("b", "{NAME} waits for you!")), entry("p3", ("c", words(1)))]
    cells = [cell("a", LIFE, 50, 1_000), cell("b", LIFE, 80, 1_000), cell("c", LIFE, 10, 100)]
    made = Following(setup())
    made.told(cells, pool, [])
    (found,) = due(made, START_MS)
    assert (found.copy_id, found.reason) == ("a", "familiar")
    assert found.figures["familiarity"] > 0.9
    assert found.why.startswith("its segment knows it: ")


def test_days_are_the_newest_revision_and_summed_over_experiments_and_categories() -> None:
    days = TextDays()
    place = Place(code_of("new"), code_of("a"))
    unnamed = msgspec.json.decode(cell("a", day(3), 9, 9).value or b"")
    unnamed["segment"] = "00000001"
    for record in (
        cell("a", day(1), 1, 10, revision=3),
        cell("a", day(1), 9, 9, revision=2),
        cell("a", day(1), 2, 10, category="shoes"),
        cell("a", day(2), 5, 20),
        cell("a", day(0), 7, 70),
        gone(cell("a", day(0), 0, 0)),
        cell("a", LIFE, 20, 200, revision=9),
        cell("b", day(1), 4, 40),
        cell("b", LIFE, 4, 40),
        cell("a", day(1), 8, 80, segment="loyal"),
        msgspec.structs.replace(cell("a", day(3), 9, 9), value=msgspec.json.encode(unnamed)),
        Record("m", 0, 0, 0, Cell("copy", day(1), OTHERS).text().encode(), cell("a", day(1), 1, 1).value),
        Record("m", 0, 0, 0, b"copy|junk", b"{}"),
        Record("m", 0, 0, 0, b"cohort|life|1|2|3|4", b"{}"),
        Record("m", 0, 0, 0, None, None),
    ):
        days.take(record)
    assert days.skipped == 1
    found = days.history(place, START_MS + 2 * DAY_MS)
    assert (found.days, found.others) == ([Day(3, 20)], [Day(4, 40)])
    # All time less the days that are held, today's too.
    assert (found.past, found.others_past) == (Day(12, 160), Day(0, 0))
    assert days.looks(START_MS + 2 * DAY_MS) == 10 + 10 + 40 + 80
    assert (days.life(place), days.others(place)) == (Day(20, 200), Day(4, 40))
