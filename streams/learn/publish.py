"""Cells go out to `patter.metrics.v1`."""

from collections.abc import Iterable

import msgspec
import structlog
from confluent_kafka import KafkaError, Message, Producer

from schemas.cells import cell_of
from schemas.ports import Metrics
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.sending import send
from streams.learn.cells import metrics_of
from streams.learn.held import Change
from streams.learn.names import Names
from streams.learn.setup import ROLE

log = structlog.get_logger("patter.streams.learn")

# What is not acknowledged by then stays in the client's queue, before whatever comes next.
FLUSH_S = 10.0
_encode = msgspec.json.Encoder().encode


class MetricsPublisher:
    """Publishes changed cells. Belongs to one thread at a time, and not to an event loop: it waits for the broker.

    Plain and idempotent, without transactions: a record that is published twice says the same twice.
    """

    def __init__(self, options: KafkaOptions, topic: str, names: Names, metrics: Metrics) -> None:
        self._producer = Producer(producer_config(options))
        self._topic, self._names, self._metrics = topic, names, metrics
        self._failed: set[bytes] = set()

    def publish(self, changes: Iterable[Change]) -> list[Change]:
        """Send a record for each, a tombstone for an empty one; answers those that the broker did not take."""
        sent = list(changes)
        for change in sent:
            value = _encode(metrics_of(cell_of(change.cell), change.value, self._names)) if change.value else None
            send(self._producer, self._topic, value, change.cell.encode(), on_delivery=self._delivered)
        left = self._producer.flush(FLUSH_S)
        failed, self._failed = self._failed, set()
        if left or failed:
            log.warning("metrics not published", left=left, failed=len(failed))
        self._metrics.add("patter_records_out_total", len(sent) - len(failed), role=ROLE, topic=self._topic)
        return [change for change in sent if change.cell.encode() in failed]

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed.add(message.key() or b"")
