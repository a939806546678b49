"""generate's worker: requests in, pool entries and verdicts out. It alone writes the pool.

A request's partition is its key's, so the worker that owns the partition owns the key. When it takes a partition over
it waits until it has seen the pool as it stood then; its own writes it takes note of when they are committed.

What people say about copy (rulings, lambda), retirements, and a P_conv that was refitted, change entries without the
model: these are revised between requests. Where a retired text leaves an entry, a request for another goes out with it.
A request is answered with one text; more for the same key are written when no request waits.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from schemas.copy import CopyKey, CopyRequest, PoolEntry
from schemas.ports import Metrics, Writer
from streams.broadcast.gauges import StateGauges
from streams.broadcast.states import States
from streams.dlq import RejectBrake, letter
from streams.generate.entries import Entries
from streams.generate.predicting import Predicting
from streams.generate.renewal import renewals
from streams.generate.requests import sift
from streams.generate.revisions import Revisions
from streams.generate.setup import GenerateSetup
from streams.generate.spares import Spares
from streams.generate.standards import CatalogueStandards
from streams.generate.write import Lacking, Outcome, write_all
from streams.kafka.partitions import partition_of
from streams.kafka.records import Batch, Out, Record

ROLE = "generate"
_encode = msgspec.json.Encoder().encode


class GenerateWorker:
    """Implements `streams.kafka.worker.Worker` for generate. `states.pool` is `pool`."""

    def __init__(
        self,
        setup: GenerateSetup,
        pool: Entries,
        states: States,
        writer: Writer,
        held_to: CatalogueStandards,
        metrics: Metrics,
        now_ms: Callable[[], int],
        brake: RejectBrake,
        predicting: Predicting,
    ) -> None:
        self._setup, self._pool, self._states, self._writer = setup, pool, states, writer
        self._metrics, self._now_ms, self._brake = metrics, now_ms, brake
        self._held_to, self._predicting = held_to, predicting
        self._gauges = StateGauges(ROLE, states, metrics)
        self._assigned_ms = 0
        self._partitions: set[int] = set()
        self._revisions = Revisions(states, pool, self._owns, lambda: predicting.asked)
        self._spares = Spares(setup.candidates, setup.tries)
        self._asked: list[CopyRequest] = []
        self._short: list[CopyRequest] = []
        self._late = False
        metrics.set("patter_generation_provider_info", 1.0, role=ROLE, provider=writer.provider)
        self._entries: list[PoolEntry] = []
        self._uncounted: tuple[Counter[str], Outcome, list[Out]] | None = None

    def assigned(self, positions: Mapping[int, int]) -> None:
        self._assigned_ms = self._now_ms()
        self._partitions = set(positions)
        self._late = True

    def revoked(self, partitions: Sequence[int]) -> None:
        self._entries = []
        self._partitions -= set(partitions)
        self._pool.forget_own()
        self._spares.forget()

    def ready(self) -> bool:
        return self._states.whole() and self._states.copy_ms() >= self._assigned_ms

    def idle(self) -> None:
        self._states.swap()
        self._gauges.beat(self._now_ms())
        policy = self._states.policy
        if self._predicting.renew(policy.snapshot if policy is not None else None):
            self._late = True
        if self._late and self.ready():
            self._revisions.everything()
            self._late = False
        self._revisions.notice()

    def wants(self) -> bool:
        return self.ready() and (self._revisions.due() or self._spares.due())

    def step(self, records: Sequence[Record]) -> Batch:
        setup, now_ms = self._setup, self._now_ms()
        sifted = sift(records, self._states.catalogue, self._pool, now_ms, setup.expire_ms, setup.candidates)
        rejected = {id(record) for record, _ in sifted.rejected}
        self._brake.check([id(record) in rejected for record in records], ROLE)
        around = self._held_to.now()
        began = time.perf_counter()
        if records or self._revisions.due():
            lacking, tries = [Lacking(request, facts) for request, facts in sifted.wanted], setup.tries
        else:
            lacking, tries = self._spares.take(self._pool, self._states.catalogue), 1
        outcome = write_all(self._writer, lacking, setup, around, tries)
        if outcome.written:
            seconds = time.perf_counter() - began
            self._metrics.observe("patter_generation_duration_seconds", seconds, role=ROLE)
        written = {entry.key() for entry in outcome.entries}
        # What was written just now was ranked just now.
        revised = [entry for entry in self._revisions.take(around.measure) if entry.key() not in written]
        self._entries = [*outcome.entries, *revised]
        anew = renewals(revised, self._pool, around.curation.retired, setup.recipes, now_ms)
        topics = setup.topics
        outs = [Out(topics.copy, entry.key().encode().encode(), _encode(entry)) for entry in self._entries]
        outs += [Out(topics.review, verdict.key().encode().encode(), _encode(verdict)) for verdict in outcome.verdicts]
        outs += [Out(topics.requests, request.key().encode().encode(), _encode(request)) for request in anew]
        outs += [letter(topics.dlq, record, ROLE, rejection) for record, rejection in sifted.rejected]
        if revised:
            sifted.outcomes["revised"] = len(revised)
        if anew:
            sifted.outcomes["renewed"] = len(anew)
        self._uncounted = (sifted.outcomes, outcome, outs)
        self._asked, self._short = [request for request, _ in sifted.wanted], sifted.short
        return Batch(outs)

    def committed(self, records: Sequence[Record]) -> None:
        for entry in self._entries:
            self._pool.wrote(entry)
        self._spares.done(self._pool)
        self._spares.want(self._asked, self._entries)
        self._spares.refill(self._short)
        self._entries, self._asked, self._short = [], [], []
        self._revisions.done()
        if self._uncounted is not None:
            self._count(*self._uncounted)
            self._uncounted = None

    def aborted(self) -> None:
        self._entries, self._asked, self._short = [], [], []
        self._spares.again()
        self._revisions.again()
        self._uncounted = None

    def _owns(self, key: CopyKey) -> bool:
        return partition_of(key.encode().encode(), self._setup.partitions) in self._partitions

    def _count(self, outcomes: Counter[str], outcome: Outcome, outs: Sequence[Out]) -> None:
        add = self._metrics.add
        for name, number in {**outcomes, "written": len(outcome.entries)}.items():
            add("patter_generation_requests_total", number, role=ROLE, outcome=name)
        admitted = sum(len(entry.candidates) for entry in outcome.entries)
        add("patter_generation_copies_total", admitted, role=ROLE, code="admitted")
        for code, number in Counter(code for verdict in outcome.verdicts for code in verdict.codes).items():
            add("patter_generation_copies_total", number, role=ROLE, code=code)
        add("patter_generation_tokens_total", sum(text.tokens for text in outcome.written), role=ROLE)
        for topic, number in Counter(out.topic for out in outs).items():
            add("patter_records_out_total", number, role=ROLE, topic=topic)
