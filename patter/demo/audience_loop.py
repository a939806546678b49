"""The audience as a thread: reads decisions as they come, and sends each reaction when it is due."""

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

import msgspec
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from msgspec import Struct

from patter.demo.audience import Audience, Heard, Reaction
from streams.kafka.config import KafkaOptions, plain_consumer_config, producer_config
from streams.kafka.sending import send
from streams.kafka.watermarks import watermarks

# As long as nobody notices that a reaction waits for the next look at the clock.
POLL_S = 0.02
POLL_RECORDS = 500
ANSWER_S = 15.0
FLUSH_S = 60.0

Listener = Callable[[bytes], None]


class Spoken(Struct, frozen=True, kw_only=True):
    """What the audience sent: `events` in all, by what they are; `end` maps partitions to the offset after its last
    acknowledged record. `failed` says why not everything was sent or heard, if so.
    """

    decisions: int
    events: int
    by_what: dict[str, int]
    acknowledged: int
    end: dict[int, int]
    failed: str | None


class AudienceLoop:
    """Reads `decisions` from the offsets `start` on, without a group, committed records only; writes to `events`.

    `listen`, if given, hears every decision that was read, each once as long as the broker repeats none; it is called
    in the audience's thread.
    """

    def __init__(
        self,
        options: KafkaOptions,
        decisions: str,
        start: Mapping[int, int],
        events: str,
        audience: Audience,
        listen: Listener | None = None,
    ) -> None:
        self._consumer = Consumer(plain_consumer_config(options))
        self._consumer.assign([TopicPartition(decisions, partition, offset) for partition, offset in start.items()])
        self._producer = Producer(producer_config(options))
        self._options, self._topic, self._events = options, decisions, events
        self._audience, self._listen = audience, listen
        self._decoder = msgspec.json.Decoder(Heard)
        self._waiting: list[Reaction] = []
        self._at = dict(start)
        self._sent: Counter[str] = Counter()
        self._heard = self._acknowledged = 0
        self._end: dict[int, int] = {}
        self._failed: str | None = None
        self._leaving, self._dropping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="audience", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def finish(self, timeout_s: float) -> Spoken:
        """Hear the decisions that are there now, send at once whatever they and all others still cause, and stop.

        Decisions that follow from this last feedback are not answered, so that the stream comes to rest. Call it when
        serve has committed the input. Past `timeout_s` seconds what is left is dropped, and `failed` says so.
        """
        self._leaving.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._note("the audience did not finish in time")
            self.stop()
        return self.spoken()

    def stop(self) -> None:
        """Leave without another word."""
        self._dropping.set()
        self._thread.join(FLUSH_S + ANSWER_S)

    def spoken(self) -> Spoken:
        """What was sent so far."""
        return Spoken(
            decisions=self._heard,
            events=self._sent.total(),
            by_what=dict(sorted(self._sent.copy().items())),
            acknowledged=self._acknowledged,
            end=dict(self._end),
            failed=self._failed,
        )

    def _run(self) -> None:
        try:
            while not self._leaving.is_set() and not self._dropping.is_set():
                self._round()
            if not self._dropping.is_set():
                self._catch_up(self._ends())
                self._send_until(None)
            left = self._producer.flush(FLUSH_S)
            if left:
                self._note(f"{left} events of the audience were not acknowledged")
        except Exception as error:  # noqa: BLE001 - the run's thread reports it
            self._note(str(error))
        finally:
            self._consumer.close()

    def _round(self) -> None:
        self._hear(self._consumer.consume(POLL_RECORDS, self._patience_s()))
        self._send_until(_now_ms())
        self._producer.poll(0)

    def _patience_s(self) -> float:
        """How long to wait for decisions: no longer than until the next reaction is due."""
        if not self._waiting:
            return POLL_S
        return min(POLL_S, max(0.001, (self._waiting[0].due_ms - _now_ms()) / 1000))

    def _ends(self) -> dict[int, int]:
        """Where decisions end, those whose transaction has just been committed included: readers of committed records
        see these a moment later.
        """
        asker = Consumer(plain_consumer_config(self._options, isolation="read_uncommitted"))
        try:
            return {partition: watermarks(asker, self._topic, partition, ANSWER_S)[1] for partition in self._at}
        finally:
            asker.close()

    def _catch_up(self, ends: Mapping[int, int]) -> None:
        while any(self._at[partition] < end for partition, end in ends.items()) and not self._dropping.is_set():
            self._round()

    def _hear(self, messages: list[Message]) -> None:
        for message in messages:
            partition, offset, error = message.partition() or 0, message.offset() or 0, message.error()
            if error is not None:
                # The last offsets may be markers of transactions, which are never handed out: only the end tells.
                if error.code() == KafkaError._PARTITION_EOF:
                    self._at[partition] = max(self._at[partition], offset)
                elif error.fatal():
                    raise RuntimeError(error.str())
                continue
            self._at[partition] = max(self._at[partition], offset + 1)
            value = message.value()
            if isinstance(value, bytes):
                self._heard += 1
                if self._listen is not None:
                    self._listen(value)
                for reaction in self._audience.react(self._decoder.decode(value), _now_ms()):
                    heapq.heappush(self._waiting, reaction)

    def _send_until(self, moment_ms: int | None) -> None:
        """Send what is due by then; None for everything, in its order."""
        while self._waiting and (moment_ms is None or self._waiting[0].due_ms <= moment_ms):
            if self._dropping.is_set():
                return
            self._send(heapq.heappop(self._waiting))

    def _send(self, reaction: Reaction) -> None:
        value, key = reaction.value(_now_ms()), reaction.user_id.encode()
        send(self._producer, self._events, value, key, on_delivery=self._delivered)
        self._sent[reaction.what] += 1

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._note(str(error))
            return
        self._acknowledged += 1
        partition, offset = message.partition() or 0, message.offset() or 0
        self._end[partition] = max(self._end.get(partition, 0), offset + 1)

    def _note(self, failure: str) -> None:
        if self._failed is None:
            self._failed = failure


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
