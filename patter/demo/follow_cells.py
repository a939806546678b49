"""A reader of metrics while the run goes on: the newest lifetime cells, for the view."""

import threading
from collections.abc import Mapping

from confluent_kafka import Consumer, TopicPartition

from patter.demo.recount_feedback import LifetimeCells
from schemas.partials import CellMetrics
from streams.kafka.config import KafkaOptions, plain_consumer_config

POLL_RECORDS = 1_000
# The view is drawn once a second.
POLL_S = 0.2
JOIN_S = 10.0


class CellsFollower:
    """Reads `topic` from the offsets `start` on, in a thread, without a group."""

    def __init__(self, options: KafkaOptions, topic: str, start: Mapping[int, int]) -> None:
        self._consumer = Consumer(plain_consumer_config(options))
        self._consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in start.items()])
        self._cells = LifetimeCells()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cells", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._stop.set()
        self._thread.join(JOIN_S)

    def throughs(self) -> dict[tuple[str, str], int]:
        """How far each (cell, source) is counted in what was read so far."""
        with self._lock:
            return self._cells.throughs()

    def cells(self) -> list[CellMetrics]:
        """The newest of each cell that were read so far."""
        with self._lock:
            return self._cells.cells()

    def _run(self) -> None:
        while not self._stop.is_set():
            messages = self._consumer.consume(POLL_RECORDS, POLL_S)
            with self._lock:
                for message in messages:
                    key, value = message.key(), message.value()
                    if message.error() is None and isinstance(key, bytes):
                        self._cells.metrics(key, value if isinstance(value, bytes) else None)
        self._consumer.close()
