"""What a shop puts on its topics, and what stands there: on a real broker."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from confluent_kafka import Producer

from features.default_segments import DEFAULT_TABLE
from inference.bundle import load_bundle, starter_dir
from inference.generate.copyset import copy_id
from patter.settings import Settings
from schemas.catalog import Product
from schemas.copy import Candidate, CopyKey, PoolEntry
from schemas.experiments import ExperimentRecord
from schemas.partials import CellMetrics
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.dump import read_topic

SEGMENTS = sorted({*(rule.name for rule in DEFAULT_TABLE.rules), DEFAULT_TABLE.default, DEFAULT_TABLE.unknown})
TEXT = "Come and see {NAME}"


class ShopTopics:
    """By the logical names of topics."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.options = settings, KafkaOptions(bootstrap=settings.kafka.bootstrap)
        self.producer = Producer({**producer_config(self.options), "queue.buffering.max.messages": 1_000_000})

    def put(self, logical: str, key: str, value: object) -> None:
        self.producer.poll(0)
        self.producer.produce(self.settings.topics[logical].name or "", key=key, value=msgspec.json.encode(value))

    def event(self, kind: str, event_id: str, user_id: str, **fields: object) -> None:
        head = {"kind": kind, "event_id": event_id, "user_id": user_id, "time": datetime.now(UTC)}
        self.put("events", user_id, {**head, **fields})

    def products(self, names: Iterable[str]) -> None:
        """Kitchen things p0, p1, ..."""
        for number, name in enumerate(names):
            product = Product(product_id=f"p{number}", name=name, category="kitchen", price_minor=999, currency="USD")
            self.put("catalog", product.product_id, product)
        self.flush()

    def stock(self, arm: str, experiments: Iterable[ExperimentRecord]) -> None:
        """One product, copy of one arm for it in every segment, and experiments."""
        bundle = load_bundle(starter_dir()).sha256
        channel, locale = self.settings.serve.channel, self.settings.serve.locale
        for segment in SEGMENTS:
            text = Candidate(copy_id=copy_id(bundle, TEXT), slot_text=TEXT, bundle_sha256=bundle)
            entry = PoolEntry(
                product_id="p0", segment=segment, variant=arm, channel=channel, locale=locale, candidates=[text]
            )
            self.put("copy", CopyKey("p0", segment, arm, channel, locale).encode(), entry)
        for each in experiments:
            self.put("experiments", each.key(), each)
        self.products(["Mug"])

    def flush(self) -> None:
        assert self.producer.flush(60) == 0

    def read(self, logical: str, kind: Any) -> list[Any]:
        records = read_topic(self.options, self.settings.topics[logical].name or "")
        return [msgspec.json.decode(record.value, type=kind) for record in records if record.value]

    def counted(self) -> dict[str, int]:
        """Counters of the total, as learn has published them last."""
        totals = [each for each in self.read("metrics", CellMetrics) if each.family == "total"]
        newest = max(totals, key=lambda each: each.revision, default=None)
        return {} if newest is None else dict(newest.counters)
