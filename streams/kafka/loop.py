"""The batch loop of every role that reads a Kafka topic: poll, step, deliver, or roll back and read again.

Order of things, and why:

1. The transactional producer is initialised before the consumer subscribes, so that a transaction which the worker's
   predecessor left open is settled before its offsets are asked for.
2. Everything slow (Feast, choice, generation) happens in `step`, before the transaction begins: an open transaction
   holds up every read_committed reader.
3. Rebalances are only served inside `consume`, when no transaction is open; a batch is never half revoked.
4. After an abort the consumer is put back to where the last commit left it; the worker forgets what the step changed.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from threading import Event as Flag

import structlog
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition
from msgspec import Struct

from schemas.errors import Code, ConfigError, LackingError
from schemas.ports import Metrics
from streams.kafka.config import KafkaOptions, consumer_config
from streams.kafka.delivery import Aborted, Delivery, open_delivery
from streams.kafka.pulse import Pulse
from streams.kafka.records import Record, record_of
from streams.kafka.watermarks import watermarks_with
from streams.kafka.worker import Worker

log = structlog.get_logger("patter.streams.loop")

POSITION_TIMEOUT_S = 15.0
# Long enough to take what is in the client's queue, short enough not to count.
LEAST_WAIT_S = 0.001
# Aborts in a row: the broker is back after one or two; a hundred are an outage that a restart does not make worse.
MAX_ABORTS = 100


class LoopOptions(Struct, frozen=True, kw_only=True):
    """Where a role reads, as whom, and when a batch closes: after `batch_ms` or `batch_records`."""

    role: str
    member: str
    group: str
    topic: str
    batch_ms: int
    batch_records: int


class Loop:
    """Runs a worker until it is told to stop; `beat` hears once a round whether the worker is ready."""

    def __init__(
        self,
        kafka: KafkaOptions,
        options: LoopOptions,
        worker: Worker,
        metrics: Metrics,
        now_ms: Callable[[], int],
        beat: Callable[[bool], None],
    ) -> None:
        self._kafka, self._options, self._worker = kafka, options, worker
        self._metrics, self._role = metrics, options.role
        self._beat = beat
        self._next: dict[int, int] = {}
        # End-of-partition events tell that only a transaction's marker is left, and no record behind it.
        config = {**consumer_config(kafka, options.group, options.member), "enable.partition.eof": True}
        self._consumer = Consumer(config)
        self._ended: dict[int, int] = {}
        self._closed = 0.0
        self._pulse = Pulse(options.role, metrics, now_ms)
        self._paused = False
        self._assigned = False

    def run(self, stop: Flag) -> None:
        """Read, answer, commit, until `stop` is set; then leave in order. Raises PatterError where it cannot go on."""
        delivery = open_delivery(
            self._kafka, f"{self._options.group}.{self._options.member}", self._consumer, self._options.topic
        )
        self._consumer.subscribe([self._options.topic], on_assign=self._on_assign, on_revoke=self._on_revoke)
        aborts = 0
        try:
            while not stop.is_set():
                records = self._poll()
                self._worker.idle()
                self._beat(self._assigned and self._worker.ready())
                if not records and not self._worker.wants():
                    continue
                try:
                    self._handle(records, delivery)
                    aborts = 0
                except Aborted:
                    aborts += 1
                    if aborts > MAX_ABORTS:
                        raise LackingError(
                            Code.BROKER_FAILED, f"{aborts} batches in a row were rolled back", where=self._options.topic
                        ) from None
                    self._metrics.add("patter_batches_total", role=self._role, outcome="aborted")
                    self._worker.aborted()
                    self._rewind()
        finally:
            delivery.close()
            with contextlib.suppress(KafkaException, RuntimeError):
                self._consumer.close()

    def _poll(self) -> list[Record]:
        self._balance_readiness()
        started = time.perf_counter()
        # A batch closes `batch_ms` after the last one closed, not after the last one was done: what arrived while that
        # was being decided and committed has waited already.
        wait = self._options.batch_ms / 1000 - (started - self._closed)
        messages = self._consumer.consume(self._options.batch_records, max(LEAST_WAIT_S, wait))
        self._closed = time.perf_counter()
        self._pulse.waited(self._closed - started)
        records = [record_of(message) for message in messages if message.error() is None]
        if len(records) < len(messages):
            self._heed(messages)
        self._pulse.beat(self._consumer, self._options.topic, self._next, self._ended)
        return records

    def _heed(self, messages: Sequence[Message]) -> None:
        """Some of these are no records, but news. Raises LackingError where the consumer cannot go on."""
        for message in messages:
            error = message.error()
            if error is None:
                continue
            if error.fatal():
                raise LackingError(Code.FENCED, "the consumer cannot go on", where=str(error))
            if error.code() == KafkaError._PARTITION_EOF:
                self._ended[message.partition() or 0] = message.offset() or 0
            else:
                log.warning("consume", error=str(error))

    def _balance_readiness(self) -> None:
        """A worker whose states are not whole keeps its partitions, and its place in the group, but reads nothing."""
        wanted = not self._worker.ready()
        if wanted != self._paused and self._next:
            places = [TopicPartition(self._options.topic, partition) for partition in self._next]
            (self._consumer.pause if wanted else self._consumer.resume)(places)
            self._paused = wanted

    def _handle(self, records: Sequence[Record], delivery: Delivery) -> None:
        started = time.perf_counter()
        batch = self._worker.step(records)
        if batch.hold:
            self._rewind()
            time.sleep(self._options.batch_ms / 1000)
            return
        # A batch of nothing but news commits where it stands: a worker that has lost its place is fenced by that.
        offsets: dict[int, int] = {} if records else dict(self._next)
        for record in records:
            offsets[record.partition] = record.offset + 1
        stepped = time.perf_counter()
        delivery.deliver(batch, offsets)
        done = time.perf_counter()
        self._next.update(offsets)
        self._worker.committed(records)
        self._metrics.observe("patter_stage_duration_seconds", stepped - started, role=self._role, stage="step")
        self._metrics.observe("patter_stage_duration_seconds", done - stepped, role=self._role, stage="deliver")
        self._metrics.add("patter_batches_total", role=self._role, outcome="committed")
        self._metrics.add("patter_records_in_total", len(records), role=self._role)
        if records:
            self._pulse.handled(records)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._metrics.add("patter_rebalances_total", role=self._role, kind="assigned")
        self._same_topic(partitions)
        positions: dict[int, int] = {}
        for place in consumer.committed(partitions, POSITION_TIMEOUT_S):
            if place.error is not None:
                raise KafkaException(place.error)
            committed = 0 if place.offset == OFFSET_INVALID else place.offset
            low, high = watermarks_with(consumer, place.topic, place.partition, committed, POSITION_TIMEOUT_S)
            start = low if place.offset == OFFSET_INVALID else place.offset
            if not low <= start <= high:
                log.error("committed offset is not in the log", partition=place.partition, committed=start, low=low)
            positions[place.partition] = min(max(start, low), high)
        log.info("assigned", positions=positions)
        self._next = positions
        self._paused = False
        self._worker.assigned(positions)
        consumer.assign([TopicPartition(self._options.topic, p, offset) for p, offset in positions.items()])
        self._assigned = True

    def _same_topic(self, partitions: list[TopicPartition]) -> None:
        """A broker gives a static member that comes back in time its old assignment, whatever it now asks for."""
        other = {place.topic for place in partitions} - {self._options.topic}
        if other:
            raise ConfigError(
                Code.TOPIC_MISMATCH,
                f"the group still reads {', '.join(sorted(other))}",
                where=self._options.group,
                hint="stop every member for a minute, then start them on the new topic",
            )

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._metrics.add("patter_rebalances_total", role=self._role, kind="revoked")
        log.info("revoked", partitions=[place.partition for place in partitions])
        self._worker.revoked([place.partition for place in partitions])
        self._next = {}
        consumer.unassign()

    def _rewind(self) -> None:
        for partition, offset in self._next.items():
            self._consumer.seek(TopicPartition(self._options.topic, partition, offset))
