"""`patter bench collect`: what an event of feedback costs, with little state and with much.

Both subjects read the same prefilled topic, in turns: first every shopper sees copy once, then
come looks, impressions, clicks and orders of shoppers drawn evenly, the worst case for every cache. CPU is that
of the subject's process, all threads.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Producer
from rich.console import Console

from features.store.apply import apply as apply_features
from patter.bench.broker import bench_broker, described, on_broker, settings_file
from patter.bench.feedback import FeedbackSource
from patter.bench.figures import ratio
from patter.bench.freshness import bench_freshness
from patter.bench.subjects import Progress, RawLoop, Role, Subject
from patter.demo import offsets
from patter.result import envelope
from patter.wiring.features import feature_options
from patter.wiring.kafka import group_of, kafka_options
from patter.wiring.process import now_ms
from patter.wiring.tokens import token_keys
from patter.wiring.topics import apply_topics
from schemas.errors import Code, PatterError
from streams.kafka.committed import committed
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.sending import send

SIZES = (1_000, 1_000_000)
FINISH_TIMEOUT_S = 600.0
POLL_S = 0.1
PARTITIONS = range(4)
SINK = "patter.bench.collect.v1"


def bench_collect(*, events: int, repeats: int, seed: int, sizes: tuple[int, ...] = SIZES) -> dict[str, object]:
    """Run it; the result in the shape of the contract. Raises LackingError where there is no Java."""
    started = datetime.now(UTC)
    console = Console(stderr=True)
    cases: list[dict[str, object]] = []
    ratios: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="patter-bench-") as name:
        folder = Path(name)
        with bench_broker(folder) as broker:
            for shoppers in sizes:
                rates = _size(folder, broker.bootstrap, shoppers, events, repeats, seed, console, cases)
                found = ratio(
                    f"patter/confluent_raw @{shoppers} shoppers",
                    "events per CPU second",
                    rates["patter"],
                    rates["confluent_raw"],
                    None,
                    least=None,
                )
                console.print(f"{found['name']}: {found['median']} [{found['low']}, {found['high']}]")
                ratios.append(found)
            cases.append(bench_freshness(folder, broker.bootstrap, seed, console))
    result = envelope("bench", " ".join(["patter", *sys.argv[1:]]), seed, started, [], described(broker))
    result.update(cases=cases, ratios=ratios)
    return result


def _size(
    folder: Path,
    bootstrap: str,
    shoppers: int,
    events: int,
    repeats: int,
    seed: int,
    console: Console,
    cases: list[dict[str, object]],
) -> dict[str, list[float]]:
    log = f"bench.feedback.{shoppers}"
    rates: dict[str, list[float]] = {"confluent_raw": [], "patter": []}
    walls: dict[str, list[float]] = {"confluent_raw": [], "patter": []}
    memory: list[float] = []
    for number in range(repeats):
        for kind in rates:
            own = f"{kind[0]}{shoppers}n{number}"
            topics = {
                "events": log,
                "partials": f"bench.partials.{own}",
                "collect_state": f"bench.state.{own}",
                "decisions": SINK,
            }
            named = {logical: {"name": topic} for logical, topic in topics.items()}
            settings, path = settings_file(folder, own, on_broker(folder, bootstrap, tenant=own, topics=named))
            apply_topics(settings)
            apply_features(feature_options(settings))
            kafka = kafka_options(settings, "bench")
            if not sum(offsets.ends(kafka, [log])[log].values()):
                console.print(f"filling a topic with {shoppers} shoppers and {events} events ...")
                (key_id, key), *_ = token_keys(settings).items()
                source = FeedbackSource(seed, key_id, key, shoppers)
                start_ms = now_ms() - (shoppers + events) // 2
                _fill(Producer(producer_config(kafka)), log, source, start_ms, events)
            subject: Subject
            if kind == "patter":
                subject = Role(path, folder, f"collect-{own}", group_of(settings, "collect"), "collect")
            else:
                # Its own best batches: in collect's, of a second each, it would be done before it could be measured.
                part = settings.serve
                subject = RawLoop(bootstrap, log, SINK, f"raw-{own}", part.batch_ms, part.batch_records)
            try:
                wall_s, cpu_s, done, after = _measure(kafka, subject, log, shoppers + events)
            finally:
                subject.stop()
            rates[kind].append(done / cpu_s)
            walls[kind].append(done / wall_s)
            if kind == "patter":
                memory.append(after.extra.get("patter_memory_bytes", 0.0) / 2**20)
            console.print(f"{kind:<14} {cpu_s / done * 1e6:6.2f} us CPU an event, {done / wall_s:9.0f} events/s")
    for kind, values in rates.items():
        ordered = sorted(values)
        middle = ordered[len(ordered) // 2]
        cases.append(
            {
                "name": "collect",
                "subject": kind,
                "broker": "local",
                "params": {"shoppers": shoppers, "events": events},
                "repeats": repeats,
                "values": [round(value, 1) for value in values],
                "unit": "events per CPU second",
                "median": round(middle, 1),
                "min": round(ordered[0], 1),
                "max": round(ordered[-1], 1),
                "cpu_us_per_event": round(1e6 / middle, 3),
                "events_per_s": round(sorted(walls[kind])[len(walls[kind]) // 2], 1),
                "rss_mib": round(max(memory), 1) if kind == "patter" else None,
            }
        )
    return rates


def _fill(producer: Producer, topic: str, source: FeedbackSource, start_ms: int, events: int) -> None:
    for records in (source.first(start_ms), source.mixed(start_ms, events)):
        for key, value in records:
            send(producer, topic, value, key)
            producer.poll(0)
        # What comes first has to stand first in every partition.
        producer.flush(60)


def _measure(kafka: KafkaOptions, subject: Subject, topic: str, everything: int) -> tuple[float, float, int, Progress]:
    """Wall and CPU seconds, events, and the last progress, from when the subject begins to read to its last event."""
    deadline = time.monotonic() + FINISH_TIMEOUT_S
    while isinstance(subject, Role) and not subject.ready() and time.monotonic() < deadline:
        time.sleep(POLL_S / 2)
    before, began = subject.progress(), time.monotonic()
    while time.monotonic() < deadline:
        done = sum(committed(kafka, subject.group, topic, PARTITIONS).values())
        if done >= everything:
            now = subject.progress()
            return time.monotonic() - began, now.cpu_s - before.cpu_s, everything, now
        time.sleep(POLL_S)
    raise PatterError(Code.PENDING, f"{subject.name} did not handle {everything} events in time")
