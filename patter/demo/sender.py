"""Sends the input open loop: each record at its time, whether or not the stream keeps up.

A sender that waits for the stream would hide every queue (coordinated omission); this one notes when a record was due,
and latency is counted from there.
"""

import threading
import time
from collections.abc import Iterable

import msgspec
from confluent_kafka import KafkaError, Message, Producer
from msgspec import Struct

from schemas.decode import Rejection, decode_event
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.sending import send

# How far ahead of the clock records are handed to the client in one go.
SLICE_S = 0.005


class Due(Struct, frozen=True, gc=False):
    """One record to send, `at_s` seconds after the start."""

    at_s: float
    key: bytes | None
    value: bytes | None


class Sent(Struct):
    """What has been sent so far. `end` maps partitions to the offset after the last acknowledged record."""

    events: int = 0
    malformed: int = 0
    duplicates: int = 0
    acknowledged: int = 0
    end: dict[int, int] = msgspec.field(default_factory=dict)
    failed: str | None = None
    done: bool = False


class Sender:
    """Sends in a thread. `due` maps the id of each new event to when it was due (monotonic seconds)."""

    def __init__(self, options: KafkaOptions, topic: str, records: Iterable[Due]) -> None:
        self._producer = Producer(producer_config(options))
        self._topic, self._records = topic, records
        self._ids: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self.sent = Sent()
        self.due: dict[str, float] = {}
        self.started = 0.0

    def start(self) -> None:
        self.started = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Send no more than is under way."""
        self._stop.set()
        self._thread.join(60.0)

    def _run(self) -> None:
        try:
            for record in self._records:
                while (ahead := self.started + record.at_s - time.monotonic()) > SLICE_S:
                    self._producer.poll(min(ahead - SLICE_S / 2, 0.05))
                if self._stop.is_set():
                    break
                self._send(record)
            left = self._producer.flush(60.0)
            if left and self.sent.failed is None:
                self.sent.failed = f"{left} records were not acknowledged"
        except Exception as error:  # noqa: BLE001 - the run's thread reports it
            self.sent.failed = str(error)
        finally:
            self.sent.done = True

    def _send(self, record: Due) -> None:
        sent = self.sent
        event = decode_event(record.value, time.time_ns() // 1_000_000)
        if isinstance(event, Rejection):
            sent.malformed += 1
        elif event.event_id in self._ids:
            sent.duplicates += 1
        else:
            self._ids.add(event.event_id)
            self.due[event.event_id] = self.started + record.at_s
        send(self._producer, self._topic, record.value, record.key, on_delivery=self._delivered)
        self._producer.poll(0)
        sent.events += 1

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.sent.failed = str(error)
            return
        self.sent.acknowledged += 1
        partition, offset = message.partition() or 0, message.offset() or 0
        self.sent.end[partition] = max(self.sent.end.get(partition, 0), offset + 1)
