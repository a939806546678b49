"""`patter bench learn`: partials a second, and what one costs.

A prefilled topic holds cumulative partials as collect writes them: so many sources, each with so many cells, again and
again. learn reads it from its beginning, as it does at every start. CPU is that of the process, all threads, from when
it has its partitions.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from confluent_kafka import Producer
from rich.console import Console

from features.store.apply import apply as apply_features
from patter.bench.broker import bench_broker, described, on_broker, settings_file
from patter.bench.subjects import Progress, Role
from patter.result import envelope
from patter.wiring.features import feature_options
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.topics import apply_topics
from schemas.cells import LIFE, ArmCell, Cell
from schemas.errors import Code, PatterError
from schemas.partials import Partial, partial_key
from streams.kafka.config import producer_config
from streams.kafka.partitions import partition_of
from streams.kafka.sending import send

SOURCES, CELLS = 4, 500
FINISH_TIMEOUT_S = 600.0
POLL_S = 0.2
_DONE = "patter_partials_total"


def bench_learn(*, partials: int, repeats: int, seed: int) -> dict[str, object]:
    """Run it; the result in the shape of the contract. Raises LackingError where there is no Java."""
    started = datetime.now(UTC)
    console = Console(stderr=True)
    rates: list[float] = []
    walls: list[float] = []
    memory = 0.0
    with tempfile.TemporaryDirectory(prefix="patter-bench-") as name:
        folder = Path(name)
        with bench_broker(folder) as broker:
            settings, path = settings_file(folder, "bench", on_broker(folder, broker.bootstrap))
            apply_topics(settings)
            apply_features(feature_options(settings))
            topic = topics_of(settings)["partials"]
            producer = Producer(producer_config(kafka_options(settings, "bench")))
            console.print(f"filling a topic with {partials} partials of {SOURCES} sources and {CELLS} cells ...")
            _fill(producer, topic.name, topic.partitions, partials)
            for number in range(repeats):
                subject = Role(path, folder, f"learn-{number}", "", "learn")
                try:
                    wall_s, cpu_s, done, last = _measure(subject, partials)
                finally:
                    subject.stop()
                rates.append(done / cpu_s)
                walls.append(done / wall_s)
                memory = max(memory, last.extra.get("patter_memory_bytes", 0.0) / 2**20)
                console.print(f"learn {cpu_s / done * 1e6:6.1f} us CPU a partial, {done / wall_s:7.0f} partials/s")
    result = envelope("bench", " ".join(["patter", *sys.argv[1:]]), seed, started, [], described(broker))
    ordered = sorted(walls)
    case: dict[str, object] = {
        "name": "learn",
        "subject": "patter",
        "broker": "local",
        "params": {"partials": partials, "sources": SOURCES, "cells": CELLS},
        "repeats": repeats,
        "values": [round(value, 1) for value in walls],
        "unit": "partials per second",
        "median": round(ordered[len(ordered) // 2], 1),
        "min": round(ordered[0], 1),
        "max": round(ordered[-1], 1),
        "cpu_us_per_event": round(1e6 / sorted(rates)[len(rates) // 2], 1),
        "rss_mib": round(memory, 1),
    }
    result.update(cases=[case], ratios=[])
    return result


def _fill(producer: Producer, topic: str, partitions: int, number: int) -> None:
    encode = msgspec.json.Encoder().encode
    cells = [Cell("cohort", LIFE, ArmCell(1, 1 + n // 50, 1 + n // 5 % 10, 1 + n % 5)).text() for n in range(CELLS)]
    places = [partition_of(cell.encode(), partitions) for cell in cells]
    for index in range(number):
        which, source = index % CELLS, f"bench:{index // CELLS % SOURCES}"
        counters = {"impressions": index + 10, "clicks": index // 10 + 1, "orders": index // 100 + 1}
        partial = Partial(source=source, cell=cells[which], through=index, counters=counters)
        key = partial_key(source, cells[which]).encode()
        send(producer, topic, encode(partial), key, partition=places[which])
        producer.poll(0)
    producer.flush(60)


def _measure(subject: Role, partials: int) -> tuple[float, float, int, Progress]:
    """Wall and CPU seconds, partials, and the last progress."""
    before: Progress | None = None
    began = time.monotonic()
    while True:
        now, moment = subject.progress(), time.monotonic()
        done = now.extra.get(_DONE, 0.0)
        if before is None and done > 0:
            before, began = now, moment
        if before is not None and done >= partials:
            return moment - began, now.cpu_s - before.cpu_s, int(done - before.extra.get(_DONE, 0.0)), now
        if moment - began > FINISH_TIMEOUT_S:
            raise PatterError(Code.PENDING, f"learn took {done:.0f} of {partials} partials in time")
        time.sleep(POLL_S)
