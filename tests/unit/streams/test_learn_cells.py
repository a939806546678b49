"""A cell over its sources, its rates, its names; and what a worker holds of it."""

import msgspec
import pytest

from schemas.cells import COPY, LIFE, NONE, OTHERS, TOTAL, ArmCell, Cell
from schemas.partials import Partial, Progress, Rate, partial_key, progress_key
from schemas.token import CodeName, code_of
from streams.kafka.records import Record
from streams.learn.cells import apply, metrics_of, rates, revision, summed, without
from streams.learn.held import Change, Held
from streams.learn.names import Names

CELL = Cell("cohort", "life", ArmCell(code_of("x"), code_of("bags"), code_of("new"), code_of("bold")))
TEXT = CELL.text()


def partial(through: int, source: str = "a:0", cell: str = TEXT, **counters: int) -> Partial:
    return Partial(source=source, cell=cell, through=through, counters=counters)


def put(held: Held, partition: int, value: Partial | None, source: str = "a:0", cell: str = TEXT) -> str:
    data = msgspec.json.encode(value) if value else None
    return held.take(partition, partial_key(value.source if value else source, cell).encode(), data)


def named(*names: str) -> list[Record]:
    entries = [CodeName(code_of(name), "any", name) for name in names]
    return [Record("codes", 0, at, 0, b"", msgspec.json.encode(entry)) for at, entry in enumerate(entries)]


def test_a_newer_partial_replaces_an_older_one_and_nothing_else_does() -> None:
    value = apply({}, partial(5, clicks=1))
    assert value == {"a:0": (5, {"clicks": 1})}
    assert apply(value, partial(5, clicks=9)) is None
    assert apply(value, partial(4, clicks=9)) is None
    newer = apply(value, partial(6, clicks=2))
    assert newer == {"a:0": (6, {"clicks": 2})}
    assert value == {"a:0": (5, {"clicks": 1})}


def test_a_cell_is_the_sum_over_its_sources() -> None:
    value = {"a:0": (5, {"clicks": 1, "impressions": 3}), "a:1": (9, {"impressions": 4, "carts": 0})}
    assert summed(value) == {"impressions": 7, "clicks": 1}
    assert list(summed(value)) == ["impressions", "clicks"]
    assert revision(value) == 16
    assert without(value, "a:1") == {"a:0": (5, {"clicks": 1, "impressions": 3})}
    assert without(value, "b:0") == value


def test_a_source_that_has_counted_at_its_first_offset_has_a_revision() -> None:
    assert revision({"a:0": (0, {"clicks": 1})}) == 1


def test_the_four_rates_have_their_own_numerators() -> None:
    counters = {
        "impressions": 100,
        "clicks": 20,
        "orders": 99,
        "carts": 99,
        "clicked_carts": 5,
        "clicked_orders": 4,
        "impressed_orders": 10,
    }
    found = rates(counters)
    assert {name: rate.value for name, rate in found.items()} == {
        "ctr": 0.2,
        "cart_per_click": 0.25,
        "order_per_impression": 0.1,
        "order_per_click": 0.2,
    }
    # The interval of 20 in 100, from Newcombe 1998's method 3 formula worked by hand.
    assert found["ctr"].low == pytest.approx(0.13336, abs=1e-4)
    assert found["ctr"].high == pytest.approx(0.28883, abs=1e-4)
    assert rates({})["ctr"] == Rate(None, None, None)


def test_metrics_carry_names_sources_and_rates_of_cohorts_only() -> None:
    names = Names()
    names.take(named("x", "bags", "new"))
    value = {"b:1": (3, {"impressions": 2}), "a:0": (1, {"impressions": 2, "clicks": 1})}
    told = metrics_of(CELL, value, names)
    assert (told.experiment, told.category, told.segment) == ("x", "bags", "new")
    assert told.variant == f"{code_of('bold'):08x}"
    assert told.counters == {"impressions": 4, "clicks": 1}
    assert list(told.sources) == ["a:0", "b:1"]
    assert told.revision == 6
    assert told.rates["ctr"].value == 0.25
    assert metrics_of(CELL._replace(family="flow", bucket="1m:60"), value, names).rates == {}
    assert metrics_of(TOTAL, value, names).variant == ""
    assert metrics_of(Cell("cohort", "life", OTHERS), value, names).variant == "other"


def test_a_text_has_rates_and_its_code_for_a_name() -> None:
    names = Names()
    names.take(named("x", "bags", "new", "bold"))
    value = {"b:1": (3, {"impressions": 4, "clicks": 1})}
    # The text's code is that of an arm, by chance.
    told = metrics_of(CELL._replace(family="copy"), value, names)
    assert (told.experiment, told.category, told.segment) == ("x", "bags", "new")
    assert told.variant == f"{code_of('bold'):08x}"
    assert told.rates["ctr"].value == 0.25
    assert metrics_of(Cell("copy", "life", OTHERS), value, names).variant == "other"


def test_a_text_waits_for_no_name_of_its_own() -> None:
    names, held = Names(), Held({})
    names.take(named("x", "bags", "new"))
    held.assign([2])
    cell = CELL._replace(family="copy").text()
    held.take(2, f"a:0|{cell}".encode(), msgspec.json.encode(Partial(source="a:0", cell=cell, through=1, counters={})))
    held.published(held.take_dirty({2}), names)
    held.named(names.take(named("bold")))
    assert held.take_dirty({2}) == []


def test_names_that_come_later_publish_a_cell_again() -> None:
    names, held = Names(), Held({})
    held.assign([2])
    put(held, 2, partial(1, clicks=1))
    names.take(named("x", "bags", "new"))
    changes = held.take_dirty({2})
    held.published(changes, names)
    assert held.take_dirty({2}) == []
    assert names.take(named("x", "shoes")) == {code_of("shoes")}
    held.named({code_of("shoes")})
    assert held.take_dirty({2}) == []
    held.named(names.take(named("bold")))
    assert [change.cell for change in held.take_dirty({2})] == [TEXT]
    assert names.lacking(NONE) == set()


def test_what_becomes_of_each_record() -> None:
    held = Held({})
    held.assign([0])
    assert put(held, 0, partial(3, clicks=1)) == "applied"
    assert put(held, 0, partial(3, clicks=1)) == "ignored"
    assert put(held, 1, partial(9, clicks=1)) == "ignored"
    progress = Progress(source="a:0", through=3, high_ms=77)
    assert held.take(0, progress_key("a:0").encode(), msgspec.json.encode(progress)) == "progress"
    assert held.newest_ms == 77
    assert held.take(0, b"a:0|nonsense", b"{}") == "undecodable"
    assert held.take(0, None, None) == "undecodable"
    assert held.take(0, partial_key("b:0", TEXT).encode(), msgspec.json.encode(partial(9))) == "undecodable"
    assert held.take(0, b"\xff|x", b"{}") == "undecodable"
    assert put(held, 0, None) == "removed"
    assert held.outcomes == {"applied": 1, "ignored": 2, "progress": 1, "undecodable": 4, "removed": 1}


def test_a_cell_without_sources_gets_a_tombstone_also_where_nothing_was_held() -> None:
    held = Held({})
    held.assign([0])
    put(held, 0, partial(3, clicks=1))
    put(held, 0, partial(4, "b:1", clicks=2))
    assert held.take_dirty({0}) == [Change(TEXT, 0, {"a:0": (3, {"clicks": 1}), "b:1": (4, {"clicks": 2})})]
    put(held, 0, None, "a:0")
    assert held.take_dirty({0}) == [Change(TEXT, 0, {"b:1": (4, {"clicks": 2})})]
    put(held, 0, None, "b:1")
    assert held.take_dirty({0}) == [Change(TEXT, 0, {})]
    assert len(held) == 0
    put(held, 0, None, "c:1")
    assert held.take_dirty({0}) == [Change(TEXT, 0, {})]


def test_cells_of_texts_wait_for_their_round_and_go_out_once_in_it() -> None:
    held = Held({})
    held.assign([0])
    text = Cell(COPY, LIFE, CELL.arm).text()
    put(held, 0, partial(3, clicks=1))
    for through in (3, 4):
        put(held, 0, partial(through, cell=text, clicks=through), cell=text)
        assert [each.cell for each in held.take_dirty({0}, texts=False)] == [TEXT][: through == 3]
    assert held.take_dirty({0}) == [Change(text, 0, {"a:0": (4, {"clicks": 4})})]
    assert held.take_dirty({0}) == []


def test_what_is_not_whole_or_not_published_waits() -> None:
    held = Held({})
    held.assign([0, 1])
    put(held, 0, partial(3, clicks=1))
    other = CELL._replace(bucket="1d:0").text()
    put(held, 1, partial(3, cell=other, clicks=1), cell=other)
    assert [change.cell for change in held.take_dirty({1})] == [other]
    (change,) = held.take_dirty({0, 1})
    held.back([change])
    put(held, 0, partial(4, clicks=2))
    assert held.take_dirty({0}) == [Change(TEXT, 0, {"a:0": (4, {"clicks": 2})})]
    held.assign([1])
    held.back([change])
    assert held.take_dirty({0, 1}) == []


def test_an_assignment_begins_with_nothing() -> None:
    table: dict[str, object] = {}
    held = Held(table)  # type: ignore[arg-type]
    held.assign([0])
    put(held, 0, partial(3, clicks=1))
    held.assign([0, 1])
    assert table == {}
    assert (len(held), held.newest_ms, held.take_dirty({0, 1})) == (0, None, [])
