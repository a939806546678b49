"""Online equals batch, whole: collect's worker over a log with everything that goes wrong, through aborted batches, kills
and a topic that is made anew, against the recompute in SQL.
"""

from typing import Any

import msgspec
from collect_topics import Silent, Topics
from feedback_events import KEYS, NOW_MS
from hypothesis import given, settings
from hypothesis import strategies as st
from robot_events import FIRST
from shop_story import ACTS, LATENESS_MS, Act, Story

from inference.decide.assign import Holdout
from patter.verify.check import differences
from patter.verify.rules import Rules as BatchRules
from streams.collect.rules import Rules
from streams.collect.setup import CollectSetup, CollectTopics
from streams.collect.step import CollectWorker
from streams.kafka.records import Record

LIMITS: dict[str, Any] = {
    "lateness_ms": LATENESS_MS,
    "max_cells": 4,
    "max_copies": 3,
    "holdout": Holdout("x", "salt", 0.5),
}
RULES = Rules(keys=KEYS, currency="USD", agents=FIRST, **LIMITS)
BATCH = BatchRules(keys=KEYS, currency="USD", agents=FIRST, **LIMITS)
TOPICS = CollectTopics("events", "partials", "state", 4)
PLANS = st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["commit", "commit", "abort", "kill"])), max_size=12)
LIVES = st.lists(st.tuples(ACTS, PLANS), min_size=1, max_size=2)


def worker(topics: Topics, incarnation: str) -> CollectWorker:
    setup = CollectSetup(topics=TOPICS, rules=RULES, incarnation=incarnation)
    made = CollectWorker(
        setup, topics.restore, lambda _rows, _at: None, lambda _product: None, Silent(), lambda: NOW_MS,
        pause=lambda _seconds: None,
    )  # fmt: skip
    made.assigned(topics.positions)
    return made


def run(topics: Topics, incarnation: str, records: list[Record], plan: list[tuple[int, str]]) -> None:
    """collect over a log. A killed one leaves what it had not committed to the next."""
    collect, at, steps = worker(topics, incarnation), 0, iter(plan)
    while at < len(records):
        size, what = next(steps, (len(records), "commit"))
        batch = records[at : at + size]
        outs = list(collect.step(batch).outs)
        if what == "commit":
            topics.commit(outs, {record.partition: record.offset + 1 for record in batch})
            collect.committed(batch)
            at += len(batch)
        elif what == "abort":
            collect.aborted()
        else:
            collect = worker(topics, incarnation)


@settings(max_examples=40, deadline=None)
@given(LIVES)
def test_online_equals_batch_whatever_happens(lives: list[tuple[list[Act], list[tuple[int, str]]]]) -> None:
    topics = Topics()
    logs: dict[str, list[Record]] = {}
    for number, (acts, plan) in enumerate(lives):
        # A topic that was deleted and made anew begins at offset 0, and has another id; state and partials stay.
        topics.positions = {0: 0, 1: 0}
        logs[f"life{number}"] = Story().tell(acts)
        run(topics, f"life{number}", logs[f"life{number}"], plan)
    for incarnation, records in logs.items():
        logged: dict[int, list[tuple[int, int, bytes | None]]] = {0: [], 1: []}
        for record in records:
            logged[record.partition].append((record.offset, record.timestamp_ms, record.value))
        online = topics.online(incarnation)
        assert online.keys() == {partition for partition, stretch in logged.items() if stretch}
        spans = {partition: topics.spans(incarnation, partition) for partition in online}
        assert differences(logged, online, msgspec.structs.replace(BATCH, spans=spans)) == []
