"""Reads whole topics, without a group, and knows up to which moment it has seen them.

Every partition is read from its beginning to the last stable offset, found by partition EOF: offsets of compacted and
transactional topics have holes, so counting records would never arrive. Twice a second the reader asks the broker where
the topics end *now*; once it stands there, everything that was written before the question is known. That moment is
what `whole_ms` answers, and what the promise about prices is made of.

The reading runs in a thread; records are handed over in `drain`, so a state only changes between batches.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event as Flag
from threading import Thread

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from msgspec import Struct

from schemas.errors import Code, LackingError
from streams.kafka.config import KafkaOptions, plain_consumer_config
from streams.kafka.records import Record, record_of

log = structlog.get_logger("patter.streams.broadcast")

# Half a second between questions keeps the catalogue's promise of 2 s with room for a slow answer.
ASK_EVERY_S = 0.5
ASK_TIMEOUT_S = 1.0
METADATA_TIMEOUT_S = 10.0
POLL_RECORDS = 5_000
POLL_S = 0.05


class Whole(Struct, frozen=True):
    """Everything that stood on `topic` at `at_ms` has been handed over."""

    topic: str
    at_ms: int


Place = tuple[str, int]


class BroadcastReader:
    """Follows topics from their beginning. `drain` is called by one thread, the worker's."""

    def __init__(self, options: KafkaOptions, topics: Sequence[str], now_ms: Callable[[], int]) -> None:
        self._topics = tuple(topics)
        self._now_ms = now_ms
        self._consumer = Consumer(plain_consumer_config(options))
        # On the reader's own connection a question would wait behind a fetch that waits for records, half a second.
        self._asker = Consumer(plain_consumer_config(options))
        self._queue: deque[Record | Whole] = deque()
        self._seen: dict[Place, int] = {}
        self._target: dict[Place, tuple[int, int]] = {}
        self._whole: dict[str, int] = {}
        self._stop = Flag()
        self._failure: Exception | None = None
        self._thread = Thread(target=self._run, name="broadcast", daemon=True)

    def start(self) -> None:
        """Assign every partition and begin to read. Raises LackingError where a topic does not exist."""
        metadata = self._consumer.list_topics(timeout=METADATA_TIMEOUT_S)
        places = []
        for topic in self._topics:
            known = metadata.topics.get(topic)
            if known is None or not known.partitions:
                raise LackingError(Code.TOPIC_MISSING, f"topic {topic} does not exist", hint="patter topics apply")
            places += [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in known.partitions]
        self._seen = {(place.topic, place.partition): 0 for place in places}
        self._consumer.assign(places)
        self._thread.start()

    def drain(self, limit: int = 200_000) -> list[Record]:
        """Records that arrived since the last call, in the order of each partition; at most about `limit`."""
        if self._failure is not None:
            raise LackingError(Code.BROKER_FAILED, "a broadcast topic cannot be read", where=str(self._failure))
        records: list[Record] = []
        while self._queue and len(records) < limit:
            item = self._queue.popleft()
            if isinstance(item, Whole):
                self._whole[item.topic] = item.at_ms
            else:
                records.append(item)
        return records

    def whole_ms(self, topic: str) -> int | None:
        """The latest moment (epoch ms) up to which the drained records are all there was; None before the first."""
        return self._whole.get(topic)

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5.0)
        self._consumer.close()
        self._asker.close()

    def _run(self) -> None:
        asked = 0.0
        try:
            while not self._stop.is_set():
                for message in self._consumer.consume(POLL_RECORDS, POLL_S):
                    error = message.error()
                    place = (message.topic() or "", message.partition() or 0)
                    if error is None:
                        self._seen[place] = (message.offset() or 0) + 1
                        self._queue.append(record_of(message))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        self._seen[place] = max(self._seen[place], message.offset() or 0)
                    else:
                        log.warning("broadcast read", topic=place[0], error=str(error))
                self._note_whole()
                if time.monotonic() - asked >= ASK_EVERY_S:
                    self._ask()
                    asked = time.monotonic()
        except Exception as error:  # noqa: BLE001 - handed to the worker's thread, which stops on it
            self._failure = error

    def _ask(self) -> None:
        for topic, partition in self._seen:
            moment = self._now_ms()
            try:
                _, high = self._asker.get_watermark_offsets(
                    TopicPartition(topic, partition), ASK_TIMEOUT_S, cached=False
                )
            except KafkaException as error:
                log.warning("broadcast end unknown", topic=topic, error=str(error.args[0]))
                return
            self._target[topic, partition] = (moment, high)

    def _note_whole(self) -> None:
        for topic in self._topics:
            moments = [
                self._target[place][0]
                for place in self._seen
                if place[0] == topic and place in self._target and self._seen[place] >= self._target[place][1]
            ]
            if len(moments) == sum(place[0] == topic for place in self._seen):
                self._queue.append(Whole(topic, min(moments)))
