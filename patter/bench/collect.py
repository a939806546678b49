"""`patter bench collect`: what an event of feedback costs, with little state and with much.

Both subjects read the same prefilled topic, in turns. Every shopper has seen copy once, which is collect's state when
it starts; what is read are looks, impressions, clicks and orders of shoppers drawn evenly, the worst case for every
cache. CPU is that of the subject's process, all threads.
"""

import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

from confluent_kafka import Producer
from rich.console import Console

from features.store.apply import apply as apply_features
from patter.bench.broker import bench_broker, described, on_broker, settings_file
from patter.bench.collect_state import counted, start_behind, write_state
from patter.bench.feedback import FeedbackSource
from patter.bench.figures import ratio
from patter.bench.freshness import bench_freshness
from patter.bench.subjects import RawLoop, Role, Subject
from patter.demo import offsets
from patter.result import envelope
from patter.settings import Settings
from patter.wiring.features import feature_options
from patter.wiring.kafka import group_of, kafka_options, topics_of
from patter.wiring.process import now_ms
from patter.wiring.tokens import token_keys
from patter.wiring.topics import apply_topics
from schemas.errors import Code, PatterError
from streams.collect.source import Source
from streams.kafka.committed import committed
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.sending import send

SIZES = (1_000, 1_000_000)
FINISH_TIMEOUT_S = 600.0
POLL_S = 0.1
PARTITIONS = range(4)
SINK = "patter.bench.collect.v1"


class _Run(NamedTuple):
    """What one subject took, and how long it was from its start until it had its state."""

    wall_s: float
    cpu_s: float
    ready_s: float
    rss_bytes: float


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
    runs: dict[str, list[_Run]] = {"confluent_raw": [], "patter": []}
    state: dict[int, Source] | None = None
    for number in range(repeats):
        for kind in runs:
            own = f"{kind[0]}{shoppers}n{number}"
            topics = {
                "events": log,
                "partials": f"bench.partials.{own}",
                "collect_state": f"bench.state.{own}",
                "sketches": f"bench.sketches.{own}",
                "decisions": SINK,
            }
            named = {logical: {"name": topic} for logical, topic in topics.items()}
            settings, path = settings_file(folder, own, on_broker(folder, bootstrap, tenant=own, topics=named))
            apply_topics(settings)
            apply_features(feature_options(settings))
            kafka = kafka_options(settings, "bench")
            if state is None:
                console.print(f"filling a topic with {shoppers} shoppers and {events} events ...")
                state = _filled(settings, kafka, FeedbackSource(seed, *_key(settings), shoppers), events)
            group = group_of(settings, "collect") if kind == "patter" else f"raw-{own}"
            start_behind(kafka, group, log, state)
            if kind == "patter":
                write_state(settings, kafka, state)
            began = time.monotonic()
            subject: Subject
            if kind == "patter":
                subject = Role(path, folder, f"collect-{own}", group, "collect")
            else:
                # Its own best batches: in collect's, of a second each, it would be done before it could be measured.
                part = settings.serve
                subject = RawLoop(bootstrap, log, SINK, group, part.batch_ms, part.batch_records)
            try:
                run = _measure(kafka, subject, log, events, began)
            finally:
                subject.stop()
            runs[kind].append(run)
            console.print(
                f"{kind:<14} {run.cpu_s / events * 1e6:6.2f} us CPU an event, {events / run.wall_s:9.0f} events/s, "
                f"ready after {run.ready_s:.1f} s"
            )
    cases += [_case(kind, found, shoppers, events) for kind, found in runs.items()]
    return {kind: [events / run.cpu_s for run in found] for kind, found in runs.items()}


def _case(kind: str, runs: list[_Run], shoppers: int, events: int) -> dict[str, object]:
    values = [events / run.cpu_s for run in runs]
    middle = median(values)
    return {
        "name": "collect",
        "subject": kind,
        "broker": "local",
        "params": {"shoppers": shoppers, "events": events},
        "repeats": len(runs),
        "values": [round(value, 1) for value in values],
        "unit": "events per CPU second",
        "median": round(middle, 1),
        "min": round(min(values), 1),
        "max": round(max(values), 1),
        "cpu_us_per_event": round(1e6 / middle, 3),
        "events_per_s": round(median(events / run.wall_s for run in runs), 1),
        "ready_s": round(median(run.ready_s for run in runs), 1),
        "rss_mib": round(max(run.rss_bytes for run in runs) / 2**20, 1) if kind == "patter" else None,
    }


def _key(settings: Settings) -> tuple[int, bytes]:
    return next(iter(token_keys(settings).items()))


def _filled(settings: Settings, kafka: KafkaOptions, source: FeedbackSource, events: int) -> dict[int, Source]:
    """Fill the input log, and answer the state as it is before the events to be measured."""
    topic, producer = topics_of(settings)["events"].name, Producer(producer_config(kafka))
    start_ms = now_ms() - (source.shoppers + events) // 2
    _send(producer, topic, source.first(start_ms))
    state = counted(settings, kafka)
    _send(producer, topic, source.mixed(start_ms, events))
    return state


def _send(producer: Producer, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
    for key, value in records:
        send(producer, topic, value, key)
        producer.poll(0)
    producer.flush(60)


def _measure(kafka: KafkaOptions, subject: Subject, topic: str, events: int, began: float) -> _Run:
    """From when the subject has its partitions and its state to when its group has come to the end."""
    deadline = time.monotonic() + FINISH_TIMEOUT_S
    while isinstance(subject, Role) and not subject.ready() and time.monotonic() < deadline:
        time.sleep(POLL_S / 2)
    end = sum(offsets.ends(kafka, [topic])[topic].values())
    before, ready = subject.progress(), time.monotonic()
    while time.monotonic() < deadline:
        if sum(committed(kafka, subject.group, topic, PARTITIONS).values()) >= end:
            done, after = time.monotonic(), subject.progress()
            memory = after.extra.get("patter_memory_bytes", 0.0)
            return _Run(done - ready, after.cpu_s - before.cpu_s, ready - began, memory)
        time.sleep(POLL_S)
    raise PatterError(Code.PENDING, f"{subject.name} did not handle {events} events in time")
