"""A source's reach on its topic: whatever happens between batches, what is known is what the log says."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.aggregates import records
from features.aggregates.distinct import Distinct
from features.aggregates.reach import Reach
from features.aggregates.records import Gathering, Written
from schemas.cells import DAY_MS
from schemas.sketches import ALL_TIME, DISTINCT, KINDS, TOP, Entry, Name, Sketch, Stretch, day_of

SOURCE = "life:0"
START = 20_000
ENTRIES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(1, 9), st.integers(1, 2**40), st.integers(0, 30)),
    max_size=8,
)
# What a batch counted, by how many days high went on with it, and what became of it.
BATCHES = st.lists(
    st.tuples(ENTRIES, st.sampled_from([0, 0, 0, 1, 25]), st.sampled_from(["commit", "commit", "abort", "restart"])),
    max_size=25,
)


class Topic:
    """The newest record of each key, as compaction leaves them."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}

    def put(self, changes: list[records.Change]) -> None:
        for key, value in changes:
            self.values.pop(key, None)
            if value is not None:
                self.values[key] = value

    def read(self) -> Written:
        gathering = Gathering(SOURCE)
        for key, value in self.values.items():
            name = key.decode().removeprefix(f"{SOURCE}|")
            assert gathering.is_of(name)
            gathering.put(name, value)
        return gathering.finish() or Written(SOURCE)


def known(reach: Reach) -> dict[Name, object]:
    return {
        name: reach.distinct(name).content() if name.what == DISTINCT else reach.top(name).content()
        for name in reach.names()
    }


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_ENTRIES", 20)
    monkeypatch.setattr(records, "MOST_STRETCHES", 4)


def entries_of(drawn: list[tuple[int, int, int, int, int]], high_ms: int) -> list[Entry]:
    return [
        (kind, day_of((START + day) * DAY_MS, high_ms), product, amount, shopper)
        for kind, day, product, amount, shopper in drawn
    ]


@settings(max_examples=200, deadline=None)
@given(BATCHES)
def test_restarts_and_aborts_change_nothing(
    batches: list[tuple[list[tuple[int, int, int, int, int]], int, str]],
) -> None:
    topic, written, straight, high_ms = Topic(), Written(SOURCE), Reach(), START * DAY_MS
    for offset, (drawn, days, what) in enumerate(batches):
        high = high_ms + days * DAY_MS
        changes = written.step(entries_of(drawn, high), offset, high)
        if what == "abort":
            written = topic.read()
            continue
        high_ms = high
        topic.put(changes)
        straight.take(entries_of(drawn, high))
        straight.expire(high)
        if what == "restart":
            written = topic.read()
        assert known(topic.read().reach) == known(written.reach) == known(straight)
    assert sum(b"|counted|" in key for key in topic.values) <= 5


def test_what_comes_together_is_written_whole_and_slots_come_again() -> None:
    topic, written = Topic(), Written(SOURCE)
    for offset in range(12):
        topic.put(written.step([(0, START, 1, 1, offset)], offset, START * DAY_MS))
    assert {key.decode() for key in topic.values} == {f"{SOURCE}|counted|{slot}" for slot in range(4)} | {
        f"{SOURCE}|{what}|impressions|{bucket}" for what in (DISTINCT, TOP) for bucket in ("life", "1d:1728000000")
    }
    whole = msgspec.json.decode(topic.values[f"{SOURCE}|distinct|impressions|life".encode()], type=Sketch)
    assert (whole.through, whole.since, Distinct(whole.data).estimate().value) == (9, 0, 10)
    newest = msgspec.json.decode(topic.values[f"{SOURCE}|counted|1".encode()], type=Stretch)
    assert (newest.through, newest.entries) == (11, [(0, START, 1, 1, 11)])
    assert topic.read().reach.distinct(Name(DISTINCT, "impressions", ALL_TIME)).estimate().value == 12


def test_a_batch_that_is_too_large_for_a_record_is_written_whole() -> None:
    changes = Written(SOURCE).step([(0, START, 1, 1, shopper) for shopper in range(21)], 0, START * DAY_MS)
    assert all(b"|counted|" not in key for key, _ in changes)
    assert len(changes) == 4


def test_days_that_are_over_are_removed_and_do_not_come_back() -> None:
    topic, written = Topic(), Written(SOURCE)
    topic.put(written.step([(1, START, 1, 1, 1)], 0, START * DAY_MS))
    late = (START + 31) * DAY_MS
    changes = written.step([], 1, late)
    assert {(key, value) for key, value in changes if value is None} == {
        (f"{SOURCE}|{what}|clicks|1d:1728000000".encode(), None) for what in (DISTINCT, TOP)
    }
    topic.put(changes)
    assert {name.day for name in topic.read().reach.names()} == {ALL_TIME}
    assert topic.read().high_ms == late


def test_nothing_counted_is_nothing_written() -> None:
    assert Written(SOURCE).step([], 5, START * DAY_MS) == []


def test_only_products_have_revenue() -> None:
    reach = Reach()
    reach.take([(KINDS.index("revenue_minor"), START, 1, 999, 1)])
    assert {name.what for name in reach.names()} == {TOP}
    assert reach.top(Name(TOP, "revenue_minor", START)).total == 999


def test_what_an_earlier_count_left_behind_is_passed_over() -> None:
    topic, again = Topic(), Written(SOURCE, since=7)
    old = Written(SOURCE)
    for offset in range(5):
        topic.put(old.step([(0, START + offset, 1, 1, 1)], offset, START * DAY_MS))
    topic.put(again.step([(0, START, 1, 1, 2)], 8, START * DAY_MS))
    found = topic.read()
    assert (found.since, found.through) == (7, 8)
    assert known(found.reach) == known(again.reach)
