"""`patter bench serve`: what a decided event costs, against a transaction loop that does nothing.

Throughput: both subjects read the same prefilled topic, in turns; CPU is that of the subject's process, all threads,
from its first record to its last, start-up excluded. Latency: open loop at 5,000 events/s, from the moment an event was
due to be sent until a read_committed reader sees its output.
"""

import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Producer
from msgspec import Struct
from rich.console import Console

from features.store.apply import apply as apply_features
from features.store.writer import StoreWriter
from patter.bench import shop
from patter.bench.broker import bench_broker, described, on_broker, settings_file
from patter.bench.figures import latencies, ratio
from patter.bench.openloop import open_loop
from patter.bench.subjects import Progress, RawLoop, Role, Subject
from patter.demo.prepare import publish_catalogue
from patter.result import envelope
from patter.settings import Settings, load
from patter.wiring.features import feature_options
from patter.wiring.kafka import group_of, kafka_options, topics_of
from patter.wiring.policy import publish_prior
from patter.wiring.process import now_ms
from patter.wiring.topics import apply_topics
from schemas.errors import Code, PatterError
from streams.brokers.info import BrokerInfo
from streams.kafka.committed import committed
from streams.kafka.config import producer_config
from streams.kafka.sending import send
from streams.serve.native import press_kind

RATE = 5_000.0
LATENCY_S = 20.0
# Latency before this is that of cold caches and an unwarmed broker, for both subjects alike.
WARM_S = 5.0
FINISH_TIMEOUT_S = 300.0
# Nobody writes activity here, so reading it every few seconds would measure the store and not the stream.
CACHE_TTL_S = {"user_profile": 60.0, "user_activity": 60.0}
# The first part of a throughput run fills caches; what is measured is the rest, for both subjects alike.
WARM_SHARE = 0.5
POLL_S = 0.1
LEAST, GOAL, P99_MOST = 0.2, 0.35, 1.5


class Part(Struct, frozen=True):
    """One part's figures by subject, one a repeat, and its cases for the result."""

    figures: dict[str, list[float]]
    cases: list[dict[str, object]]


class Measured(Struct, frozen=True):
    """What one throughput run took, after its warm-up."""

    wall_s: float
    cpu_s: float
    events: int
    hit_rate: float | None


class Rig:
    """A broker, topics and a store that stand for the whole benchmark."""

    def __init__(self, folder: Path, broker: BrokerInfo, seed: int, console: Console) -> None:
        self.folder, self.broker, self.seed, self.console = folder, broker, seed, console
        self.base = on_broker(folder, broker.bootstrap, features={"cache_ttl_s": CACHE_TTL_S})
        settings = load(None, self.base)
        console.print("creating topics, a warm pool, and the features of 100,000 shoppers ...")
        apply_topics(settings)
        publish_catalogue(settings, shop.products())
        publish_prior(settings, "patter bench", "bench")
        self.pool = shop.warm_pool(settings)
        rng = random.Random(seed)
        options = feature_options(settings)
        apply_features(options)
        writer = StoreWriter.open(options)
        for view, rows in (("user_profile", shop.profiles(rng)), ("user_activity", shop.activity(rng))):
            writer.write(view, list(rows), now_ms(), newest=True)
        self.kafka = kafka_options(settings, "bench")

    def settings(self, name: str) -> tuple[Settings, Path]:
        """Settings of one run: its own events topic and its own group, the same everything else."""
        over = {**self.base, "tenant": name, "topics": {"events": {"name": f"bench.events.{name}"}}}
        settings, path = settings_file(self.folder, name, over)
        apply_topics(settings)
        return settings, path

    def subject(self, kind: str, name: str, settings: Settings, path: Path) -> Subject:
        events = topics_of(settings)["events"].name
        if kind == "patter":
            return Role(path, self.folder, f"serve-{name}", group_of(settings, "serve"))
        part = settings.serve
        group = f"raw-{name}-{time.monotonic_ns()}"
        return RawLoop(self.broker.bootstrap, events, "patter.bench.raw.v1", group, part.batch_ms, part.batch_records)


def bench_serve(*, events: int, repeats: int, seed: int, part: str = "both") -> dict[str, object]:
    """Run both parts; the result in the shape of the contract. Raises LackingError where there is no Java."""
    started = datetime.now(UTC)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="patter-bench-") as name:
        folder = Path(name)
        with bench_broker(folder) as broker:
            rig = Rig(folder, broker, seed, console)
            _raw_topic(rig)
            cpu = _throughput(rig, events, repeats) if part != "latency" else Part({}, [])
            delay = _latency(rig, repeats) if part != "throughput" else Part({}, [])
    failures: list[str] = []
    ratios: list[dict[str, object]] = []
    if cpu.figures:
        found = ratio("patter/confluent_raw", "events per CPU second", *_pair(cpu), GOAL, least=LEAST)
        ratios.append(found)
        if float(str(found["median"])) < LEAST:
            failures.append(f"events per CPU second: {found['median']} of the raw loop's; at least {LEAST} is wanted")
    if delay.figures:
        found = ratio("patter/confluent_raw p99", "ms", *_pair(delay), P99_MOST, least=None)
        ratios.append(found)
        if float(str(found["median"])) > P99_MOST:
            failures.append(f"p99: {found['median']} times the raw loop's; at most {P99_MOST} is wanted")
    result = envelope("bench", " ".join(["patter", *sys.argv[1:]]), seed, started, failures, described(broker))
    result.update(cases=[*cpu.cases, *delay.cases], ratios=ratios)
    for each in ratios:
        console.print(f"{each['name']} ({each['unit']}): {each['median']} [{each['low']}, {each['high']}]")
    return result


def _pair(part: Part) -> tuple[list[float], list[float]]:
    return part.figures["patter"], part.figures["confluent_raw"]


def _raw_topic(rig: Rig) -> None:
    from msgspec.structs import replace

    from schemas.topics import BY_LOGICAL
    from streams.kafka.admin import apply

    apply(rig.kafka, [replace(BY_LOGICAL["decisions"], name="patter.bench.raw.v1")])


def _fill(rig: Rig, settings: Settings, events: int) -> None:
    producer = Producer(producer_config(rig.kafka))
    topic = topics_of(settings)["events"].name
    source = shop.EventSource(rig.seed)
    for _ in range(events):
        key, value, _id = source.next()
        send(producer, topic, value, key)
        producer.poll(0)
    producer.flush(60)


def _throughput(rig: Rig, events: int, repeats: int) -> Part:
    settings, _ = rig.settings("fill")
    rig.console.print(f"filling a topic with {events} events ...")
    _fill(rig, settings, events)
    rates: dict[str, list[float]] = {"patter": [], "confluent_raw": []}
    walls: dict[str, list[float]] = {"patter": [], "confluent_raw": []}
    cases: list[dict[str, object]] = []
    hits: list[float] = []
    for number in range(repeats):
        for kind in ("confluent_raw", "patter"):
            # A group of its own per repeat, so that each reads the topic from its beginning.
            over = {**rig.base, "tenant": f"fill{number}", "topics": {"events": {"name": "bench.events.fill"}}}
            own, own_path = settings_file(rig.folder, f"fill{number}", over)
            subject = rig.subject(kind, f"fill{number}", own, own_path)
            try:
                found = _measure(rig, subject, subject.group, "bench.events.fill", events)
            finally:
                subject.stop()
            rates[kind].append(found.events / found.cpu_s)
            walls[kind].append(found.events / found.wall_s)
            if found.hit_rate is not None:
                hits.append(found.hit_rate)
            cost = found.cpu_s / found.events * 1e6
            rig.console.print(f"{kind:<14} {cost:6.2f} us CPU an event, {found.events / found.wall_s:9.0f} events/s")
    for kind in rates:
        ordered = sorted(rates[kind])
        middle = ordered[len(ordered) // 2]
        cases.append(
            {
                "name": "throughput",
                "subject": kind,
                "broker": "local",
                "params": {
                    "events": events,
                    "measured_after": int(events * WARM_SHARE),
                    "cache_ttl_s": CACHE_TTL_S,
                    "press": press_kind(),
                    "batch_ms": settings.serve.batch_ms,
                    "batch_records": settings.serve.batch_records,
                    "shoppers": shop.SHOPPERS,
                    "zipf": shop.ZIPF,
                    "products": shop.PRODUCTS,
                    "pool_entries": rig.pool,
                    "feature_cache_hit_rate": round(sum(hits) / len(hits), 4) if kind == "patter" and hits else None,
                },
                "repeats": repeats,
                "values": [round(value, 1) for value in rates[kind]],
                "unit": "events per CPU second",
                "median": round(middle, 1),
                "min": round(ordered[0], 1),
                "max": round(ordered[-1], 1),
                "cpu_us_per_event": round(1e6 / middle, 3),
                "events_per_s": round(sorted(walls[kind])[len(walls[kind]) // 2], 1),
            }
        )
    return Part(rates, cases)


def _measure(rig: Rig, subject: Subject, group: str, topic: str, events: int) -> Measured:
    """(wall, CPU, events, cache counters) of one subject, from when it has warmed up to its last record.

    How far the subject is, is asked of the broker: asking the subject itself would cost what is measured.
    """
    before: Progress | None = None
    first, began = 0, time.monotonic()
    partitions = range(4)
    while True:
        done = sum(committed(rig.kafka, group, topic, partitions).values())
        moment = time.monotonic()
        if done < events * WARM_SHARE:
            first, began = done, moment
        elif before is None:
            before, first, began = subject.progress(), done, moment
        if done >= events and before is not None:
            now = subject.progress()
            hits = now.extra.get("cache_hit", 0.0) - before.extra.get("cache_hit", 0.0)
            misses = now.extra.get("cache_miss", 0.0) - before.extra.get("cache_miss", 0.0)
            rate = hits / (hits + misses) if hits + misses else None
            return Measured(moment - began, now.cpu_s - before.cpu_s, done - first, rate)
        if moment - began > FINISH_TIMEOUT_S:
            raise PatterError(Code.PENDING, f"{subject.name} handled {done} of {events} events in time")
        time.sleep(POLL_S)


def _latency(rig: Rig, repeats: int) -> Part:
    tails: dict[str, list[float]] = {"patter": [], "confluent_raw": []}
    cases: list[dict[str, object]] = []
    for number in range(repeats):
        for kind in ("confluent_raw", "patter"):
            settings, path = rig.settings(f"lat{number}{kind[0]}")
            subject = rig.subject(kind, f"lat{number}{kind[0]}", settings, path)
            try:
                _settled(subject)
                output = "patter.bench.raw.v1" if kind == "confluent_raw" else topics_of(settings)["decisions"].name
                source = shop.EventSource(rig.seed + 1000 + number)
                values = open_loop(
                    rig.kafka, topics_of(settings)["events"].name, output, source, RATE, LATENCY_S, WARM_S
                )
            finally:
                subject.stop()
            found = latencies(values)
            tails[kind].append(float(found["p99"] or 0))
            rig.console.print(f"{kind:<14} at {RATE:.0f}/s: p50 {found['p50']} ms, p99 {found['p99']} ms")
            cases.append(
                {
                    "name": "latency",
                    "subject": kind,
                    "broker": "local",
                    "params": {"events_per_s": RATE, "seconds": LATENCY_S, "warm_s": WARM_S, "repeat": number},
                    "repeats": 1,
                    "unit": "ms",
                    "latency_ms": found,
                }
            )
    return Part(tails, cases)


def _settled(subject: Subject) -> None:
    deadline = time.monotonic() + 60
    while isinstance(subject, Role) and not subject.ready() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.0)
