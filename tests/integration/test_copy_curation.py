"""generate as a process on a real broker: several texts a key, lambda while it runs, and a person's word on texts."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from role_workers import ROOT, Workers, settings_on, until, write_config

from inference.bundle import starter_dir, take_conversion
from inference.text.conversion import SCHEMA, Conversion, Weight, write_conversion
from patter.settings import Settings
from schemas.catalog import Product
from schemas.copy import CopyKey, CopyRequest, PoolEntry
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.dump import read_topic

pytestmark = pytest.mark.integration

SEGMENTS = ["new", "loyal", "bargain_hunter"]
PRODUCTS = [
    Product(
        product_id=f"p{n}",
        name=name,
        category="kitchen",
        price_minor=1000 + n,
        currency="USD",
        stock=n,
        margin_share=0.4,
    )
    for n, name in enumerate(["Trail Mug", "Harbor Kettle", "Oval Pan", "Bread Knife", "Tea Cups", "Soup Bowl"])
]


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    return settings_on(local_broker, fresh_topics, tmp_path)


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    """The starter with a model of conversion for which the longest text is the best."""
    folder = Path(shutil.copytree(starter_dir(), tmp_path / "bundle"))
    model = Conversion(
        schema=SCHEMA,
        version="",
        attributes={"characters": Weight(mean=60.0, scale=10.0, weight=1.0)},
        segments={},
        ngrams={},
        order=1,
        source={},
        figures={},
    )
    write_conversion(model, tmp_path / "conversion.json")
    take_conversion(folder, tmp_path / "conversion.json")
    return write_config(settings, tmp_path / "patter.toml", f'bundle = "{folder}"')


@pytest.fixture
def workers(config: Path, tmp_path: Path) -> Iterator[Workers]:
    made = Workers("generate", tmp_path, config)
    yield made
    for member in list(made.running):
        made.kill(member)


def patter(config: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "patter", *words, "--config", str(config), "--json", "-"],
        capture_output=True,
        cwd=config.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def pool(settings: Settings) -> dict[CopyKey, PoolEntry]:
    entries: dict[CopyKey, PoolEntry] = {}
    for record in read_topic(KafkaOptions(bootstrap=settings.kafka.bootstrap), settings.topics["copy"].name or ""):
        if record.value:
            entry = msgspec.json.decode(record.value, type=PoolEntry)
            entries[entry.key()] = entry
    return entries


def newest_ms(settings: Settings, logical: str) -> int:
    options = KafkaOptions(bootstrap=settings.kafka.bootstrap)
    return max(record.timestamp_ms for record in read_topic(options, settings.topics[logical].name or ""))


def written_ms(settings: Settings) -> dict[CopyKey, int]:
    """When each entry of the pool was written last."""
    options = KafkaOptions(bootstrap=settings.kafka.bootstrap)
    topic = settings.topics["copy"].name or ""
    return {CopyKey.parse((each.key or b"").decode()): each.timestamp_ms for each in read_topic(options, topic)}


def publish(settings: Settings) -> None:
    """The catalogue. A worker that begins later knows it before it takes a request."""
    producer = Producer(producer_config(KafkaOptions(bootstrap=settings.kafka.bootstrap)))
    for product in PRODUCTS:
        producer.produce(
            settings.topics["catalog"].name or "", key=product.product_id, value=msgspec.json.encode(product)
        )
    assert producer.flush(10) == 0


def ask(settings: Settings, variant: str = "warm_discover") -> None:
    producer = Producer(producer_config(KafkaOptions(bootstrap=settings.kafka.bootstrap)))
    for product in PRODUCTS:
        for segment in SEGMENTS:
            request = CopyRequest(
                product_id=product.product_id,
                segment=segment,
                variant=variant,
                channel="push",
                locale="en",
                tone="plain",
                cta="shop",
                length="short",
                requested_ms=int(time.time() * 1000),
                decision_id="d",
            )
            producer.produce(
                settings.topics["copy_requests"].name or "",
                key=request.key().encode(),
                value=msgspec.json.encode(request),
            )
    assert producer.flush(10) == 0


def shown(entry: PoolEntry) -> list[str]:
    return [each.copy_id for each in entry.candidates if each.state == "active"]


def test_lambda_moves_what_is_shown_within_five_seconds_and_nothing_is_written(
    settings: Settings, config: Path, workers: Workers
) -> None:
    publish(settings)
    workers.start("generate-0")
    until(lambda: workers.ready("generate-0"), lambda: workers.said("generate-0"))
    patter(config, "copy", "lambda", "set", "0", "--why", "conversion alone")
    ask(settings)
    until(lambda: len(pool(settings)) >= 15, lambda: workers.said("generate-0"))
    workers.start("generate-1")
    until(lambda: workers.ready("generate-1"), lambda: workers.said("generate-1"))
    time.sleep(3)
    before = pool(settings)
    several = [key for key, entry in before.items() if len(entry.candidates) > 1]
    assert len(several) >= 10
    tokens = sum(workers.metric(m, 'patter_generation_tokens_total{role="generate"}') or 0 for m in workers.running)

    patter(config, "copy", "lambda", "set", "1", "--category", "kitchen", "--why", "a test")
    should = {key for key in several if _widest(before[key]) != shown(before[key])[0]}
    assert should
    until(lambda: all(shown(pool(settings)[key])[0] == _widest(before[key]) for key in should))
    said_ms = newest_ms(settings, "creativity")
    assert all(0 <= at - said_ms < 5_000 for key, at in written_ms(settings).items() if key in should)
    after = pool(settings)
    for key, entry in before.items():
        assert {each.copy_id for each in after[key].candidates} == {each.copy_id for each in entry.candidates}
    now = sum(workers.metric(m, 'patter_generation_tokens_total{role="generate"}') or 0 for m in workers.running)
    assert now == tokens > 0
    changes = patter(config, "copy", "lambda", "history")["changes"]
    assert [(each["category"], each["creativity"], each["why"]) for each in changes] == [
        ("*", 0.0, "conversion alone"),
        ("kitchen", 1.0, "a test"),
    ]


def test_a_persons_word_holds_over_restarts(settings: Settings, config: Path, workers: Workers) -> None:
    config.write_text(config.read_text() + '\n[generate]\nreview = "all"\ncandidates = 1\n')
    publish(settings)
    workers.start("generate-0")
    until(lambda: workers.ready("generate-0"), lambda: workers.said("generate-0"))
    ask(settings)
    until(lambda: len(pool(settings)) >= 12, lambda: workers.said("generate-0"))
    assert all(not shown(entry) for entry in pool(settings).values())

    texts = patter(config, "copy", "review", "list")["texts"]
    assert {each["copy_id"] for each in texts} == {
        each.copy_id for entry in pool(settings).values() for each in entry.candidates
    }
    good, bad = texts[0], texts[1]
    patter(config, "copy", "review", "approve", good["copy_id"], "--why", "reads well")
    patter(config, "copy", "review", "reject", bad["copy_id"], "--why", "no")
    ids = {each["copy_id"] for each in patter(config, "copy", "review", "list")["texts"]}
    assert not ids & {good["copy_id"], bad["copy_id"]}

    def held() -> set[str]:
        return {each.copy_id for entry in pool(settings).values() for each in entry.candidates}

    def visible() -> set[str]:
        return {copy_id for entry in pool(settings).values() for copy_id in shown(entry)}

    until(
        lambda: visible() == {good["copy_id"]} and bad["copy_id"] not in held(),
        lambda: (visible(), good, bad["copy_id"] in held(), workers.said("generate-0")),
    )
    workers.kill("generate-0")
    workers.start("generate-0")
    until(lambda: workers.ready("generate-0"), lambda: workers.said("generate-0"))
    ask(settings)
    time.sleep(8)
    assert bad["copy_id"] not in held()
    assert visible() == {good["copy_id"]}


def _widest(entry: PoolEntry) -> str:
    """The copy_id of the text that adds most to its set."""
    return min(entry.candidates, key=lambda each: (-each.scores.get("diversity", 0.0), each.copy_id)).copy_id
