"""Published cells against the recompute: what is sound passes, each planted fault is found and named."""

import pytest
from feedback_log import ARM, COPY, HOUR, RULES, START_MS, TOTAL, Log, line, token

from patter.verify.check import differences, expected
from patter.verify.rules import Difference, OnlineSource

LIFE = f"cohort|life|{ARM}"
TEXT = f"copy|life|{COPY}"
Cells = dict[str, tuple[int, dict[str, int]]]


@pytest.fixture
def log() -> Log:
    """Two impressions at 0 and 3; an order at 1, a view at 2."""
    log = Log()
    log.shown(token(1), 0)
    log.ordered("o", line(), at=1)
    log.viewed(2)
    log.shown(token(2), 3)
    return log


def cells_at(log: Log, through: int) -> Cells:
    """What an online count that has just reached `through` has published."""
    counted = expected({0: log.records[: through + 1]}, RULES)[0]
    return {cell: (through, counters) for cell, counters in counted.items()}


def found(
    log: Log, cells: Cells, through: int = 3, high: int | None = None, settled: int | None = None
) -> list[tuple[str, str, int | None, int | None]]:
    """Every difference; `high` is in ms after the start, by default that of the event at `through`."""
    high_ms = START_MS + (through if high is None else high)
    online = {0: OnlineSource(cells=cells, through=through, high_ms=high_ms, settled=settled)}
    return [(each.cell, each.field, each.online, each.batch) for each in differences({0: log.records}, online, RULES)]


def test_what_was_published_as_it_should_be_has_no_differences(log: Log) -> None:
    assert found(log, cells_at(log, 3)) == []
    assert found(log, cells_at(log, 1), through=1) == []
    assert differences({0: log.records}, {}, RULES) == []


def test_an_entry_may_lie_behind_where_nothing_of_it_was_counted_since(log: Log) -> None:
    cells = cells_at(log, 2)
    cells[LIFE] = (1, cells[LIFE][1])
    assert found(log, cells, through=2) == []


def test_a_contribution_between_through_and_progress_is_found(log: Log) -> None:
    cells = {**cells_at(log, 3), LIFE: cells_at(log, 2)[LIFE]}
    assert found(log, cells) == [(LIFE, "through", 2, 3)]


def test_entries_may_be_ahead_of_what_is_settled(log: Log) -> None:
    cells = {**cells_at(log, 1), LIFE: cells_at(log, 3)[LIFE]}
    cells[TOTAL] = cells_at(log, 2)[TOTAL]
    assert found(log, cells, through=3, settled=1) == []
    assert [(cell, field) for cell, field, _, _ in found(log, cells, through=3, settled=3)] == [
        (cell, "through") for cell in sorted(cells) if cell != LIFE
    ]


@pytest.mark.parametrize("counter", ["impressions", "orders", "revenue_minor"])
@pytest.mark.parametrize("by", [-1, 1, 2**70])
@pytest.mark.parametrize("cell", [LIFE, TEXT])
def test_a_wrong_counter_is_found(log: Log, counter: str, by: int, cell: str) -> None:
    cells = cells_at(log, 3)
    through, counters = cells[cell]
    cells[cell] = (through, {**counters, counter: counters[counter] + by})
    assert found(log, cells) == [(cell, counter, counters[counter] + by, counters[counter])]


def test_a_counter_that_there_is_not_and_one_that_is_left_out_are_found(log: Log) -> None:
    cells = cells_at(log, 3)
    through, counters = cells[LIFE]
    cells[LIFE] = (through, {name: value for name, value in counters.items() if name != "orders"} | {"likes": 1})
    assert found(log, cells) == [(LIFE, "likes", 1, 0), (LIFE, "orders", 0, 1)]


@pytest.mark.parametrize("cell", [LIFE, TEXT])
def test_a_cell_that_is_missing_and_one_of_nothing_are_found(log: Log, cell: str) -> None:
    cells = cells_at(log, 3)
    del cells[cell]
    other = cell[:-1] + "9"
    cells[other] = (3, {"clicks": 1})
    assert found(log, cells) == [(cell, "through", None, 3), (other, "clicks", 1, 0), (other, "through", 3, None)]


def test_a_cell_of_no_known_form_is_found(log: Log) -> None:
    cells = {**cells_at(log, 3), "flow|1m:x|y": (3, {}), "": (3, {"clicks": 1})}
    assert found(log, cells) == [("", "clicks", 1, 0), ("", "through", 3, None), ("flow|1m:x|y", "through", 3, None)]


def test_a_cell_whose_bucket_is_over_must_be_gone(log: Log) -> None:
    before = cells_at(log, 3)
    log.viewed(3 * HOUR)
    after = cells_at(log, 4)
    gone = sorted(before.keys() - after.keys())
    assert [cell[:9] for cell in gone] == ["cohort|5m", "flow|1m:1"]
    assert found(log, after, through=4, high=3 * HOUR) == []
    left = {**after, **{cell: before[cell] for cell in gone}}
    assert found(log, left, through=4, high=3 * HOUR) == [(cell, "through", 3, None) for cell in gone]


def test_a_bucket_that_ends_while_the_cells_are_read_may_be_there_or_not(log: Log) -> None:
    before = cells_at(log, 3)
    log.viewed(3 * HOUR)
    after = cells_at(log, 4)
    both = {**before, **after}
    assert found(log, after, through=4, high=3 * HOUR, settled=3) == []
    assert found(log, both, through=4, high=3 * HOUR, settled=3) == []
    assert found(log, {TOTAL: after[TOTAL]}, through=4, high=3 * HOUR, settled=3) != []


def test_progress_must_name_the_high_and_stand_in_the_log(log: Log) -> None:
    assert found(log, cells_at(log, 3), high=4) == [("progress", "high_ms", START_MS + 4, START_MS + 3)]
    assert found(log, cells_at(log, 3), through=9, high=3) == [("progress", "through", 9, 3)]


def test_differences_name_their_partition(log: Log) -> None:
    sound = OnlineSource(cells=cells_at(log, 3), through=3, high_ms=START_MS + 3)
    empty = OnlineSource(cells={}, through=-1, high_ms=0)
    spoilt = OnlineSource(cells={**cells_at(log, 3), LIFE: (3, {})}, through=3, high_ms=START_MS + 3)
    told = differences({0: log.records, 1: log.records, 2: []}, {0: sound, 1: spoilt, 2: empty}, RULES)
    assert {each.partition for each in told} == {1}
    assert told[0] == Difference(partition=1, cell=LIFE, field="impressed_orders", online=0, batch=1)
