"""Rules that watch: collect, event by event, and the recompute in SQL tag the same events, also where rules change."""

from typing import Any

import msgspec
from feedback_events import KEYS, records_of
from hypothesis import given, settings
from hypothesis import strategies as st
from robot_events import FIRST, ROBOT_LOGS, SECOND_RULES, rules

from patter.verify.check import expected
from patter.verify.rules import Rules as BatchRules
from schemas.cells import DAY_MS
from schemas.decode import decode_event
from streams.collect.changelog import Restoring, changes
from streams.collect.source import Source
from streams.collect.sweep import Sweep

BATCH = BatchRules(keys=KEYS, currency="USD", agents=FIRST, lateness_ms=7 * DAY_MS, max_cells=5, max_copies=5)


@settings(max_examples=100, deadline=None)
@given(ROBOT_LOGS, st.integers(0, 40), st.integers(0, 3))
def test_both_tag_alike_whatever_is_forgotten_and_whenever_rules_change(log: Any, change: int, every: int) -> None:
    records = records_of(log)
    state: dict[bytes, bytes] = {}
    source = Source("life:0", rules(FIRST))
    source.begin()
    for record in records:
        if record.offset == change:
            source = restored(state, source, Source("life:0", rules(SECOND_RULES)))
        source.take(record.offset, decode_event(record.value, record.timestamp_ms))
        if every and record.offset % every == 0:
            Sweep(source).some(10)
            source = restored(state, source, Source("life:0", source._rules))
    gone = source.counts.expire()
    assert gone is not None
    counted = {cell.text(): counters for cell, counters in source.counts.everything()}
    batch = msgspec.structs.replace(BATCH, spans={0: tuple(source.spans)})
    logged = {0: [(record.offset, record.timestamp_ms, record.value) for record in records]}
    assert expected(logged, batch)[0] == counted
    total = source.counts.total
    assert total["suppressed"] == sum(count for name, count in total.items() if name.startswith("suppressed:"))


def restored(state: dict[bytes, bytes], source: Source, fresh: Source) -> Source:
    """The source by way of its records: `state` is what the topic holds."""
    for key, value in changes(source, source.counts.expire()):
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value
    source.settle()
    restoring = Restoring(fresh)
    for key, value in state.items():
        restoring.put(key, value)
    found = restoring.finish()
    found.begin()
    return found
