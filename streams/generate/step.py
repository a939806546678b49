"""generate's worker: requests in, pool entries and verdicts out. It alone writes the pool.

A request's partition is its key's, so the worker that owns the partition owns the key. When it takes a partition over
it waits until it has seen the pool as it stood then; its own writes it takes note of when they are committed.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from inference.generate.judge import Standards
from schemas.copy import PoolEntry
from schemas.ports import Metrics, Writer
from streams.broadcast.gauges import StateGauges
from streams.broadcast.states import States
from streams.dlq import RejectBrake, letter
from streams.generate.requests import sift
from streams.generate.setup import GenerateSetup
from streams.generate.standards import CatalogueStandards
from streams.generate.write import Outcome, write_all
from streams.kafka.records import Batch, Out, Record

ROLE = "generate"
_encode = msgspec.json.Encoder().encode


class GenerateWorker:
    """Implements `streams.kafka.worker.Worker` for generate."""

    def __init__(
        self,
        setup: GenerateSetup,
        standards: Standards,
        states: States,
        writer: Writer,
        metrics: Metrics,
        now_ms: Callable[[], int],
        brake: RejectBrake,
    ) -> None:
        self._setup, self._states, self._writer = setup, states, writer
        self._metrics, self._now_ms, self._brake = metrics, now_ms, brake
        self._standards = CatalogueStandards(standards, states, now_ms)
        self._gauges = StateGauges(ROLE, states, metrics)
        self._assigned_ms = 0
        metrics.set("patter_generation_provider_info", 1.0, role=ROLE, provider=writer.provider)
        self._entries: list[PoolEntry] = []
        self._uncounted: tuple[Counter[str], Outcome, list[Out]] | None = None

    def assigned(self, positions: Mapping[int, int]) -> None:
        self._assigned_ms = self._now_ms()

    def revoked(self, partitions: Sequence[int]) -> None:
        self._entries = []

    def ready(self) -> bool:
        return self._states.whole() and self._states.copy_ms() >= self._assigned_ms

    def idle(self) -> None:
        self._states.swap()
        self._gauges.beat(self._now_ms())

    def step(self, records: Sequence[Record]) -> Batch:
        sifted = sift(records, self._states.catalogue, self._states.pool.texts, self._now_ms(), self._setup.expire_ms)
        rejected = {id(record) for record, _ in sifted.rejected}
        self._brake.check([id(record) in rejected for record in records], ROLE)
        began = time.perf_counter()
        outcome = write_all(self._writer, sifted.wanted, self._setup, self._standards.now(), self._states.pool.siblings)
        if sifted.wanted:
            seconds = time.perf_counter() - began
            self._metrics.observe("patter_generation_duration_seconds", seconds, role=ROLE)
        self._entries = outcome.entries
        topics = self._setup.topics
        outs = [Out(topics.copy, entry.key().encode().encode(), _encode(entry)) for entry in outcome.entries]
        outs += [Out(topics.review, verdict.key().encode().encode(), _encode(verdict)) for verdict in outcome.verdicts]
        outs += [letter(topics.dlq, record, ROLE, rejection) for record, rejection in sifted.rejected]
        self._uncounted = (sifted.outcomes, outcome, outs)
        return Batch(outs)

    def committed(self, records: Sequence[Record]) -> None:
        for entry in self._entries:
            self._states.pool.apply(entry.key(), entry)
        self._entries = []
        if self._uncounted is not None:
            self._count(*self._uncounted)
            self._uncounted = None

    def aborted(self) -> None:
        self._entries = []
        self._uncounted = None

    def _count(self, outcomes: Counter[str], outcome: Outcome, outs: Sequence[Out]) -> None:
        add = self._metrics.add
        for name, number in {**outcomes, "written": len(outcome.entries)}.items():
            add("patter_generation_requests_total", number, role=ROLE, outcome=name)
        add("patter_generation_copies_total", len(outcome.entries), role=ROLE, code="admitted")
        for code, number in Counter(code for verdict in outcome.verdicts for code in verdict.codes).items():
            add("patter_generation_copies_total", number, role=ROLE, code=code)
        add("patter_generation_tokens_total", sum(text.tokens for text in outcome.written), role=ROLE)
        for topic, number in Counter(out.topic for out in outs).items():
            add("patter_records_out_total", number, role=ROLE, topic=topic)
