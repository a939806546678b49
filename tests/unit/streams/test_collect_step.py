"""collect's worker against a state topic in memory: aborts, restarts and batches change nothing that is counted."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from collect_topics import Silent, Topics
from feedback_events import KEYS, LOGS, MINUTE, NOW_MS, records_of, token
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.agents import rules_of_parts
from schemas.cells import DAY_MS
from schemas.decode import decode_event
from schemas.errors import Code, LackingError
from schemas.partials import Partial, Progress
from schemas.sketches import DISTINCT, Name
from streams.collect import activity, shopper
from streams.collect.rules import Rules
from streams.collect.setup import CollectSetup, CollectTopics
from streams.collect.source import Source
from streams.collect.step import CollectWorker
from streams.kafka.partitions import partition_of
from streams.kafka.records import Record

RULES = Rules(
    keys=KEYS, currency="USD", agents=rules_of_parts("bot"), lateness_ms=7 * DAY_MS, max_cells=3, max_copies=2
)
TOPICS = CollectTopics("events", "partials", "state", 4, "sketches")
SETUP = CollectSetup(topics=TOPICS, rules=RULES, incarnation="life")


def worker(topics: Topics, write: Any = lambda _rows, _moment: None) -> CollectWorker:
    made = CollectWorker(
        SETUP, topics.restore, write, lambda _product: "bags", Silent(), lambda: NOW_MS, pause=lambda _s: None
    )
    made.assigned(topics.positions)
    return made


def at_once(records: Sequence[Record]) -> dict[int, Source]:
    sources = {partition: Source(f"life:{partition}", RULES) for partition in (0, 1)}
    for record in records:
        sources[record.partition].take(record.offset, decode_event(record.value, record.timestamp_ms))
    for source in sources.values():
        source.counts.expire()
        source.reached.close(source.through, source.counts.high_ms)
    return sources


@settings(max_examples=150)
@given(LOGS, st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["commit", "commit", "abort", "restart"]))))
def test_aborts_restarts_and_batches_change_no_count(log: Any, plan: list[tuple[int, str]]) -> None:
    records, topics = records_of(log), Topics()
    collect, at = worker(topics), 0
    for size, what in [*plan, (len(records) + 1, "commit")]:
        batch = records[at : at + size]
        if not batch:
            break
        outs = list(collect.step(batch).outs)
        if what == "commit":
            topics.commit(outs, {record.partition: record.offset + 1 for record in batch})
            collect.committed(batch)
            at += len(batch)
        elif what == "abort":
            collect.aborted()
        else:
            collect = worker(topics)
    rest = records[at:]
    if rest:
        outs = list(collect.step(rest).outs)
        topics.commit(outs, {record.partition: record.offset + 1 for record in rest})
        collect.committed(rest)
    expected = at_once(records)
    online: dict[str, dict[str, int]] = {}
    for key, (partition, value) in topics.partials.items():
        if key.startswith(b"progress|"):
            progress = msgspec.json.decode(value, type=Progress)
            number = int(progress.source.partition(":")[2])
            assert (progress.through, progress.high_ms) == (
                expected[number].through,
                expected[number].counts.high_ms,
            )
            assert partition == partition_of(key, 4)
            continue
        found = msgspec.json.decode(value, type=Partial)
        online[f"{found.source}|{found.cell}"] = found.counters
        # Every source of a cell meets in one partition; the key keeps one record for each source.
        assert partition == partition_of(found.cell.encode(), 4)
        assert key.decode() == f"{found.source}|{found.cell}"
        assert found.through <= expected[int(found.source.partition(":")[2])].through
    wanted = {
        f"{source.name}|{cell.text()}": counters
        for source in expected.values()
        if source.through >= 0
        for cell, counters in source.counts.everything()
    }
    assert online == wanted
    for partition, source in expected.items():
        restored = worker(topics).sources[partition]
        assert (restored.orders, restored.through) == (source.orders, source.through)
        assert sketched(restored) == sketched(source)
        # Whoever has nothing that could matter any more may be forgotten.
        assert restored.shoppers.keys() <= source.shoppers.keys()
        assert all(is_idle(source, user) for user in source.shoppers.keys() - restored.shoppers.keys())


def sketched(source: Source) -> dict[Name, object]:
    """What a source's sketches know."""
    reach = source.reached.written.reach
    return {
        name: reach.distinct(name).content() if name.what == DISTINCT else reach.top(name).content()
        for name in reach.names()
    }


def is_idle(source: Source, user: str) -> bool:
    known = shopper.opened(source.shoppers[user])
    known.close(source.counts.high_ms, RULES.lateness_ms)
    activity.forget(known, source.counts.high_ms)
    return known.is_empty()


def test_activity_is_written_before_the_batch_counts_and_its_failure_loses_nothing() -> None:
    rows: list[dict[str, Any]] = []

    def fail(some: Sequence[Mapping[str, Any]], moment: int) -> None:
        rows.extend(map(dict, some))
        raise LackingError(Code.STORE_UNREACHABLE, "away")

    log: Any = [(0, "ann", 0, {"kind": "product_viewed", "product_id": "p1"}, None)] * 3
    topics = Topics()
    collect = worker(topics, fail)
    assert list(collect.step(records_of(log)).outs)
    assert rows == [
        {
            "user_id": "ann-0",
            "views_1h": 3,
            "views_24h": 3,
            "carts_24h": 0,
            "impressions_24h": 0,
            "clicks_24h": 0,
            "orders_30d": 0,
            "last_category": "bags",
        }
    ]


def test_an_abort_takes_back_everything_also_what_expired() -> None:
    """The batch that is read again must find the state as it was committed, or what it removed stays for ever."""
    topics = Topics()
    look: Any = (0, "ann", 0, {"kind": "copy_impression", "token": token(1, 0, "p1")}, None)
    later: Any = (0, "bob", 130 * MINUTE, {"kind": "product_viewed", "product_id": "p1"}, None)
    first, second = records_of([look, later])
    collect = worker(topics)
    topics.commit(list(collect.step([first]).outs), {0: 1})
    collect.committed([first])
    kept = dict(collect.sources[0].counts.everything())
    assert any(b"|flow|" in key for key in topics.partials)
    assert list(collect.step([second]).outs)
    collect.aborted()
    assert collect.sources[0].through == 0
    assert dict(collect.sources[0].counts.everything()) == kept
    assert list(collect.sources[0].shoppers) == ["ann-0"]
    topics.commit(list(collect.step([second]).outs), {0: 2})
    collect.committed([second])
    assert not any(b"|flow|" in key for key in topics.partials)


def test_another_life_of_the_log_begins_anew() -> None:
    topics = Topics()
    log: Any = [(0, "ann", 0, {"kind": "copy_click", "token": token(1, 0, "p1")}, None)]
    records = records_of(log)
    first = worker(topics)
    topics.commit(list(first.step(records).outs), {0: 1})
    other = CollectWorker(
        msgspec.structs.replace(SETUP, incarnation="next"),
        topics.restore,
        lambda _rows, _moment: None,
        lambda _product: None,
        Silent(),
        lambda: NOW_MS,
        pause=lambda _s: None,
    )
    other.assigned({0: 0})
    assert other.sources[0].through == -1
    assert not other.sources[0].shoppers


def test_state_that_is_not_yet_to_be_seen_is_waited_for() -> None:
    topics = Topics()
    log: Any = [(0, "ann", 0, {"kind": "copy_click", "token": token(1, 0, "p1")}, None)]
    records = records_of(log)
    first = worker(topics)
    outs = list(first.step(records).outs)
    topics.positions = {0: 1, 1: 0}
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            topics.commit(outs, {0: 1})

    late = CollectWorker(
        SETUP, topics.restore, lambda _rows, _moment: None, lambda _p: None, Silent(), lambda: NOW_MS, pause=pause
    )
    late.assigned({0: 1})
    assert late.sources[0].through == 0
    assert len(waits) == 3


@pytest.mark.parametrize("events", [1, 3])
def test_memory_of_a_shopper_is_bounded(events: int) -> None:
    """What a shopper takes with a decision seen and clicked, and some looks, in bytes of the objects themselves."""
    import sys

    source = Source("life:0", RULES)
    for number in range(300):
        for event in range(events):
            fields = {"kind": "copy_click", "token": token(number * 10 + event, 0, "p1")}
            record = records_of([(0, f"shopper-{number}", 0, fields, None)])[0]
            source.take(number * 10 + event, decode_event(record.value, record.timestamp_ms))
    sizes = [sys.getsizeof(user) + sys.getsizeof(data) for user, data in source.shoppers.items()]
    assert sum(sizes) / len(sizes) < 100 + 100 * events
