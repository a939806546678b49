"""collect's worker: a batch of records in, state, partials and progress out."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Protocol

import structlog

from schemas.decode import decode_event
from schemas.errors import PatterError
from schemas.ports import Metrics
from schemas.sketches import SHOPPER_KINDS
from schemas.trial_groups import Tried
from streams.collect import activity, shopper
from streams.collect.changelog import Restoring
from streams.collect.counts import Place
from streams.collect.publish import published
from streams.collect.setup import CollectSetup
from streams.collect.source import CategoryOf, Source
from streams.collect.sweep import Sweep
from streams.kafka.incarnation import source_of
from streams.kafka.records import Batch, Out, Record

log = structlog.get_logger("patter.streams.collect")

ROLE = "collect"
# Shoppers and orders looked at after a batch: a million are gone through in a quarter of an hour at a batch a second.
SWEPT = 1_000


class StateRecord(Protocol):
    """Key and value of a record of the state topic."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


# Markers are written within milliseconds; five seconds are a broker under water.
RESTORE_TRIES = 50
RESTORE_PAUSE_S = 0.1

Restore = Callable[[int], Iterable[StateRecord]]
"""Every record of a partition of the state topic and of sketches, from the beginning."""

WriteActivity = Callable[[Sequence[Mapping[str, object]], int], None]
"""Writes rows of user_activity, true as of a time in ms. Raises PatterError where the store does not take them."""


class CollectWorker:
    """Implements `streams.kafka.worker.Worker` for collect.

    `idle` is called between batches; `trials` are the experiments as they are then, None where they are not known yet.
    """

    def __init__(
        self,
        setup: CollectSetup,
        restore: Restore,
        write_activity: WriteActivity,
        category_of: CategoryOf,
        metrics: Metrics,
        now_ms: Callable[[], int],
        idle: Callable[[], None] = lambda: None,
        trials: Callable[[], tuple[Tried, ...] | None] = lambda: (),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._setup, self._restore, self._write_activity = setup, restore, write_activity
        self._category_of, self._metrics, self._now_ms = category_of, metrics, now_ms
        self._idle, self._trials, self._pause = idle, trials, pause
        self.sources: dict[int, Source] = {}
        self._sweeps: dict[int, Sweep] = {}
        self._settled: dict[int, int] = {}
        self._counted: Counter[str] = Counter()
        self._records: Counter[str] = Counter()
        self._batch: list[int] = []

    def assigned(self, positions: Mapping[int, int]) -> None:
        for partition, position in positions.items():
            source = self._restored(partition, position - 1)
            if source.through != position - 1:
                # Ahead, without transactions: what is counted already is passed over. Behind, where the log was cut or
                # the state was lost: `patter verify` says whether that matters.
                log.warning("state and position differ", partition=partition, at=source.through + 1, position=position)
            self.sources[partition] = source
            self._sweeps[partition] = Sweep(source)

    def revoked(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            self.sources.pop(partition, None)
            self._sweeps.pop(partition, None)

    def wants(self) -> bool:
        return False

    def ready(self) -> bool:
        # An order that is counted before its experiment is known is missing in it for good.
        return self._trials() is not None

    def idle(self) -> None:
        self._idle()

    def step(self, records: Sequence[Record]) -> Batch:
        before = self._totals()
        batch = dict.fromkeys(record.partition for record in records)
        for partition in batch:
            self.sources[partition].try_out(self._trials() or ())
        for record in records:
            self.sources[record.partition].take(record.offset, decode_event(record.value, record.timestamp_ms))
        self._batch = list(batch)
        gone: dict[int, list[Place]] = {}
        for partition in self._batch:
            self._sweeps[partition].some(SWEPT)
            source = self.sources[partition]
            gone[partition] = source.counts.expire()
            source.reached.close(source.through, source.counts.high_ms)
        self._tell_store()
        self._counted = self._totals()
        self._counted.subtract(before)
        return Batch(self._outs(gone))

    def committed(self, records: Sequence[Record]) -> None:
        for partition in self._batch:
            self.sources[partition].settle()
            self._settled[partition] = self.sources[partition].through
        add = self._metrics.add
        for name, number in self._counted.items():
            if number > 0:
                add("patter_feedback_total", number, role=ROLE, kind=name)
        for topic, number in self._records.items():
            add("patter_records_out_total", number, role=ROLE, topic=topic)
        sources = self.sources.values()
        self._metrics.set("patter_cells", sum(len(source.counts) for source in sources), role=ROLE)
        self._metrics.set("patter_shoppers", sum(len(source.shoppers) for source in sources), role=ROLE)
        for kind in SHOPPER_KINDS:
            reached = sum(source.reached.shoppers(kind) for source in sources)
            self._metrics.set("patter_reached_shoppers", round(reached), role=ROLE, kind=kind)
        newest = max((record.timestamp_ms for record in records), default=0)
        self._metrics.set("patter_feedback_age_seconds", max(0, self._now_ms() - newest) / 1000, role=ROLE)
        self._forget_batch()

    def aborted(self) -> None:
        # What the step changed is spread over thousands of shoppers; the topic has all of it as it was.
        for partition in self._batch:
            self.sources[partition] = self._restored(partition, self._settled[partition])
            self._sweeps[partition] = Sweep(self.sources[partition])
        self._forget_batch()

    def _forget_batch(self) -> None:
        self._batch, self._counted, self._records = [], Counter(), Counter()

    def _restored(self, partition: int, through: int) -> Source:
        """The source as its topic has it. A commit is answered before its markers are written, so what was committed up
        to `through` may take a moment to be seen.
        """
        for attempt in range(RESTORE_TRIES):
            if attempt:
                self._pause(RESTORE_PAUSE_S)
            source = Source(source_of(self._setup.incarnation, partition), self._setup.rules, self._category_of)
            restoring = Restoring(source)
            for record in self._restore(partition):
                restoring.put(record.key, record.value)
            restoring.finish()
            source.begin()
            if source.through >= through and not restoring.lacks_sketches:
                break
        else:
            if restoring.lacks_sketches:
                log.warning("sketches are lost: they count from here on", partition=partition, at=source.through + 1)
        log.info("restored", partition=partition, through=source.through, shoppers=len(source.shoppers))
        self._settled[partition] = source.through
        return source

    def _outs(self, gone: Mapping[int, Sequence[Place]]) -> Iterator[Out]:
        topics = self._setup.topics
        for out in chain.from_iterable(
            published(self.sources[partition], partition, topics, gone[partition]) for partition in self._batch
        ):
            self._records[out.topic] += 1
            yield out

    def _totals(self) -> Counter[str]:
        totals: Counter[str] = Counter()
        for source in self.sources.values():
            totals.update(source.counts.total)
        return totals

    def _tell_store(self) -> None:
        """Absolute values, before they count: whoever reads them may be early by a batch, and never wrong for good."""
        rows: list[dict[str, object]] = []
        high_ms = 0
        for partition in self._batch:
            source = self.sources[partition]
            high_ms = max(high_ms, source.counts.high_ms)
            for user_id in source.touched:
                known = shopper.opened(source.shoppers.get(user_id))
                rows.append(activity.row(user_id, known, source.counts.high_ms))
        if not rows:
            return
        began = time.perf_counter()
        try:
            self._write_activity(rows, high_ms)
            self._metrics.add("patter_feature_rows_written_total", len(rows), role=ROLE, view="user_activity")
        except PatterError as error:
            # Features are a projection: the shopper's next event writes the same row again, with newer values.
            log.warning("activity not written", error=str(error))
            self._metrics.add("patter_feature_write_errors_total", role=ROLE)
        took = time.perf_counter() - began
        self._metrics.observe("patter_stage_duration_seconds", took, role=ROLE, stage="activity")
