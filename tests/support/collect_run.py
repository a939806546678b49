"""collect's worker over a log in memory, batch by batch, with aborted ones and kills."""

from typing import Any

from collect_topics import Silent, Topics
from feedback_events import KEYS, NOW_MS
from robot_events import FIRST
from shop_story import LATENESS_MS

from inference.decide.assign import Holdout
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
TOPICS = CollectTopics("events", "partials", "state", 4, "sketches")


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
