"""Counted on from a checkpoint is counted whole: any log, cut anywhere, as often as one likes."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from collect_run import BATCH, run
from collect_topics import Topics
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_story import ACTS, Act, Story

from patter.verify.carried import Carried, Keep, opened
from patter.verify.check import compared
from patter.verify.rows import Rows
from streams.kafka.records import Record


def checkpoint(records: list[Record], cuts: list[int], rules: Any, folder: Path) -> Carried | None:
    """What is carried over the last cut, each checkpoint being counted on from the one before.

    Every second one is written with the rest of the log in view, as where events flow: it must hold no more.
    """
    carried: Carried | None = None
    at = 0
    for number, cut in enumerate(cuts):
        rows = rows_of(records[at:cut] if number % 2 else records[at:], rules, carried)
        through = dict(carried.through) if carried is not None else {}
        through |= {record.partition: record.offset for record in records[at:cut]}
        keep = Keep(path=folder / f"{number}.duckdb", through=through)
        assert compared(rows, {}, rules, carried, keep) == []
        carried, at = opened(keep.path, through), cut
    return carried


def rows_of(records: list[Record], rules: Any, carried: Carried | None) -> Rows:
    rows = Rows(rules, None if carried is None else carried.names)
    for record in records:
        rows.put(record.partition, record.offset, record.timestamp_ms, record.value)
    return rows


@settings(max_examples=12, deadline=None)
@given(ACTS, st.lists(st.floats(0, 1), min_size=1, max_size=2), st.data())
def test_counted_on_is_counted_whole_and_finds_what_is_wrong(
    acts: list[Act], shares: list[float], data: st.DataObject
) -> None:
    topics, records = Topics(), Story().tell(acts)
    run(topics, "life", records, [])
    online = topics.online("life")
    rules = msgspec.structs.replace(BATCH, spans={partition: topics.spans("life", partition) for partition in online})
    cuts = sorted({int(share * len(records)) for share in shares} - {0}) or [len(records)]
    partition = data.draw(st.sampled_from(sorted(online)))
    source = online[partition]
    cell = data.draw(st.sampled_from(sorted(source.cells)))
    through, counters = source.cells[cell]
    counter = data.draw(st.sampled_from(sorted(counters)))
    spoilt = {**source.cells, cell: (through, {**counters, counter: counters[counter] + 1})}
    wrong = {**online, partition: msgspec.structs.replace(source, cells=spoilt)}
    with tempfile.TemporaryDirectory() as folder:
        carried = checkpoint(records, cuts, rules, Path(folder))
        rest = rows_of(records[cuts[-1] :], rules, carried)
        assert compared(rest, online, rules, carried) == []
        told = compared(rest, wrong, rules, carried)
    assert [(each.partition, each.cell, each.field) for each in told] == [(partition, cell, counter)]
