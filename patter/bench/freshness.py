"""From an event of feedback to the metric that counts it: collect and learn beside each other, open loop.

An event is visible when a record of `patter.metrics.v1` for its decision's lifetime cell says that its partition is
counted up to the event's offset or further. Its time runs from when it was due to be sent.
"""

import gc
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from rich.console import Console

from features.store.apply import apply as apply_features
from patter.bench.broker import on_broker, settings_file
from patter.bench.feedback import FeedbackSource
from patter.bench.figures import latencies
from patter.bench.openloop import SLICE_S
from patter.bench.subjects import Role
from patter.demo import offsets
from patter.wiring.features import feature_options
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.process import now_ms
from patter.wiring.tokens import token_keys
from patter.wiring.topics import apply_topics
from schemas.partials import CellMetrics
from schemas.token import verify
from streams.kafka.config import plain_consumer_config, producer_config

RATE = 2_000
SHOPPERS = 20_000
SECONDS = 75
# Before this the broker is still being compiled by its JIT, and learn and the store are being opened.
WARM_S = 45.0
SETTLE_S = 20.0
READY_S = 90.0


def bench_freshness(folder: Path, bootstrap: str, seed: int, console: Console) -> dict[str, object]:
    """One case: p50, p95, p99 in ms of events that were due after the warm-up."""
    settings, path = settings_file(folder, "fresh", on_broker(folder, bootstrap, tenant="fresh"))
    apply_topics(settings)
    apply_features(feature_options(settings))
    topics = {logical: topic.name for logical, topic in topics_of(settings).items()}
    roles = [Role(path, folder, f"{role}-fresh", "", role) for role in ("collect", "learn")]
    try:
        deadline = time.monotonic() + READY_S
        while not all(role.ready() for role in roles) and time.monotonic() < deadline:
            time.sleep(0.1)
        kafka = kafka_options(settings, "bench")
        keys = token_keys(settings)
        metrics = topics["metrics"]
        watch = _Watch(Consumer(plain_consumer_config(kafka)), metrics, offsets.ends(kafka, [metrics])[metrics])
        (key_id, key), *_ = keys.items()
        events = _made(FeedbackSource(seed, key_id, key, SHOPPERS), keys)
        _send(Producer(producer_config(kafka)), topics["events"], events, watch)
        time.sleep(SETTLE_S)
        found = latencies(watch.finish())
    finally:
        for role in roles:
            role.stop()
    console.print(f"event to metric at {RATE}/s: p50 {found['p50']} ms, p95 {found['p95']} ms, p99 {found['p99']} ms")
    return {
        "name": "freshness",
        "subject": "patter",
        "broker": "local",
        "params": {"events_per_s": RATE, "seconds": SECONDS, "warm_s": WARM_S, "invisible": watch.waiting()},
        "repeats": 1,
        "unit": "ms",
        "latency_ms": found,
    }


class _Watch:
    """What was sent and not seen yet, by lifetime cell and partition, in the order of offsets."""

    def __init__(self, consumer: Consumer, topic: str, starts: Mapping[int, int]) -> None:
        self._consumer = consumer
        self._consumer.assign([TopicPartition(topic, each, at) for each, at in starts.items()])
        self._sent: defaultdict[tuple[str, int], deque[tuple[int, float]]] = defaultdict(deque)
        self._delays_ms: list[float] = []
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._decoder = msgspec.json.Decoder(CellMetrics)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def sent(self, cell: str, partition: int, offset: int, due_s: float) -> None:
        with self._lock:
            self._sent[cell, partition].append((offset, due_s))

    def waiting(self) -> int:
        with self._lock:
            return sum(map(len, self._sent.values()))

    def finish(self) -> list[float]:
        self._stop.set()
        self._thread.join(10.0)
        self._consumer.close()
        return self._delays_ms

    def _run(self) -> None:
        while not self._stop.is_set():
            messages = self._consumer.consume(500, 0.05)
            seen_s = time.monotonic()
            with self._lock:
                for message in messages:
                    self._take(message, seen_s)

    def _take(self, message: Message, seen_s: float) -> None:
        key, value = message.key(), message.value()
        if message.error() is not None or not isinstance(value, bytes) or not isinstance(key, bytes):
            return
        if not key.startswith(b"cohort|life|"):
            return
        for source, (through, _) in self._decoder.decode(value).sources.items():
            waiting = self._sent.get((key.decode(), int(source.rpartition(":")[2])))
            while waiting and waiting[0][0] <= through:
                self._delays_ms.append((seen_s - waiting.popleft()[1]) * 1000)


class _Due(NamedTuple):
    """An event to be sent, and the lifetime cell that will count it where that is measured."""

    key: bytes
    value: bytes
    cell: str | None


def _made(source: FeedbackSource, keys: dict[int, bytes]) -> list[_Due]:
    """Everything that will be sent, made ahead: the sender shares the machine with what is measured.

    Every impression and click after the warm-up that is a decision's first has its cell.
    """
    known: set[bytes] = set()
    made = []
    for index, (user, value) in enumerate(source.live(now_ms(), RATE * SECONDS)):
        event = msgspec.json.decode(value)
        claims = verify(event["token"], keys) if "token" in event else None
        cell = None
        if claims is not None and claims.decision_id not in known:
            known.add(claims.decision_id)
            if index >= WARM_S * RATE:
                codes = (claims.experiment, claims.category, claims.segment, claims.arm)
                cell = "cohort|life|" + "|".join(f"{code:08x}" for code in codes)
        made.append(_Due(user, value, cell))
    return made


def _send(producer: Producer, topic: str, events: Sequence[_Due], watch: _Watch) -> None:
    """Send each when it is due."""
    gc.collect()
    gc.freeze()
    began = time.monotonic()
    for index, (key, value, cell) in enumerate(events):
        due_s = began + index / RATE
        while (ahead := due_s - time.monotonic()) > SLICE_S:
            producer.poll(0)
            time.sleep(min(ahead, SLICE_S))
        if cell is None:
            producer.produce(topic, value=value, key=key)
        else:
            producer.produce(topic, value=value, key=key, on_delivery=partial(_note, watch, cell, due_s))
    producer.flush(30.0)


def _note(watch: _Watch, cell: str, due_s: float, error: KafkaError | None, message: Message) -> None:
    if error is None:
        watch.sent(cell, message.partition() or 0, message.offset() or 0, due_s)
