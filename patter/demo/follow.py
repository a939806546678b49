"""A reader of decisions, as a user of Patter would run it: read_committed, noting when each decision was seen."""

import threading
import time
from collections.abc import Mapping

import msgspec
from confluent_kafka import Consumer, TopicPartition
from msgspec import Struct

from streams.kafka.config import KafkaOptions, plain_consumer_config


class _Answer(Struct):
    event_id: str


class Follower:
    """Counts decisions and their delay behind the moment at which the event was due to be sent."""

    def __init__(self, options: KafkaOptions, topic: str, start: Mapping[int, int], due: dict[str, float]) -> None:
        self._consumer = Consumer(plain_consumer_config(options))
        self._consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in start.items()])
        self._due = due
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._decoder = msgspec.json.Decoder(_Answer)
        self.delays_ms: list[float] = []
        self.seen = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10.0)
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            messages = self._consumer.consume(1000, 0.02)
            now = time.monotonic()
            for message in messages:
                value = message.value()
                if message.error() is None and isinstance(value, bytes):
                    self.seen += 1
                    due = self._due.pop(self._decoder.decode(value).event_id, None)
                    if due is not None:
                        self.delays_ms.append((now - due) * 1000)
