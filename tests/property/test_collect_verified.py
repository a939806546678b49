"""Two programs that share no counting code come to the same: collect, event by event, and the recompute in SQL."""

from typing import Any

import msgspec
from feedback_events import KEYS, LOGS, records_of
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.decide.assign import Holdout
from patter.verify.check import differences, expected
from patter.verify.rules import OnlineSource
from patter.verify.rules import Rules as BatchRules
from schemas.agents import rules_of_parts
from schemas.cells import DAY_MS
from schemas.decode import decode_event
from streams.collect.rules import Rules
from streams.collect.source import Source

HOLDOUT = Holdout("x", "salt", 0.5)
LIMITS: dict[str, Any] = {"lateness_ms": 7 * DAY_MS, "max_cells": 3, "max_copies": 2, "holdout": HOLDOUT}
RULES = Rules(keys=KEYS, currency="USD", agents=rules_of_parts("bot"), **LIMITS)
BATCH = BatchRules(keys=KEYS, currency="USD", agents=rules_of_parts("bot"), **LIMITS)


@settings(max_examples=60, deadline=None)
@given(LOGS, st.sampled_from([3, 50]))
def test_collect_and_the_recompute_count_alike(log: Any, most: int) -> None:
    records = records_of(log)
    rules, batch = (msgspec.structs.replace(each, max_cells=most) for each in (RULES, BATCH))
    sources = {partition: Source(f"life:{partition}", rules) for partition in (0, 1)}
    logged: dict[int, list[tuple[int, int, bytes | None]]] = {0: [], 1: []}
    through: dict[int, dict[str, int]] = {0: {}, 1: {}}
    for record in records:
        source = sources[record.partition]
        before = {cell.text(): counters for cell, counters in source.counts.everything()}
        source.take(record.offset, decode_event(record.value, record.timestamp_ms))
        source.counts.expire()
        logged[record.partition].append((record.offset, record.timestamp_ms, record.value))
        for cell, counters in source.counts.everything():
            if before.get(cell.text()) != counters:
                through[record.partition][cell.text()] = record.offset
    online = {
        partition: OnlineSource(
            cells={
                cell.text(): (through[partition][cell.text()], counters)
                for cell, counters in source.counts.everything()
            },
            through=source.through,
            high_ms=source.counts.high_ms,
        )
        for partition, source in sources.items()
        if source.through >= 0
    }
    wanted = {
        partition: {cell: counters for cell, (_, counters) in each.cells.items()} for partition, each in online.items()
    }
    found = {partition: cells for partition, cells in expected(logged, batch).items() if partition in wanted}
    assert found == wanted
    assert differences(logged, online, batch) == []
