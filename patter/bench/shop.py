"""The benchmark's shop: products, shoppers with features, a warm pool, and events that all ask for a decision."""

import bisect
import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from confluent_kafka import Producer

from inference.bundle import load_bundle
from inference.generate.copyset import copy_id
from patter.settings import Settings
from patter.wiring.bundle import bundle_path
from patter.wiring.experiment import experiment_of, segment_table
from patter.wiring.kafka import kafka_options, topics_of
from schemas.catalog import Product
from schemas.copy import Candidate, CopyKey, PoolEntry
from streams.kafka.config import producer_config

SHOPPERS = 100_000
PRODUCTS = 500
ZIPF = 1.1


class Zipf:
    """Ranks 0..n-1, rank r with weight (r + 1) ** -s."""

    def __init__(self, n: int, s: float, rng: random.Random) -> None:
        self._sums = list(itertools.accumulate((rank + 1) ** -s for rank in range(n)))
        self._rng = rng

    def draw(self) -> int:
        return bisect.bisect_left(self._sums, self._rng.random() * self._sums[-1])


def products() -> list[Product]:
    """A catalogue of `PRODUCTS` products in ten categories."""
    return [
        Product(
            product_id=f"p{number}",
            name=f"Field Bag No. {number}",
            category=f"category-{number % 10}",
            price_minor=1_000 + number,
            currency="USD",
            brand="Harbor",
            color="green",
            features=["a padded back", "two side pockets"],
        )
        for number in range(PRODUCTS)
    ]


def profiles(rng: random.Random) -> Iterator[dict[str, object]]:
    """A profile for every shopper; spread so that every default segment has its share."""
    for number in range(SHOPPERS):
        yield {
            "user_id": f"u{number}",
            "segment_hint": "",
            "favourite_category": f"category-{rng.randrange(10)}",
            "orders_90d": rng.randrange(8),
            "days_since_order": rng.randrange(400),
            "avg_order_minor": rng.randrange(1_000, 30_000),
            "currency": "USD",
            "discount_share": round(rng.random(), 3),
            "loyalty_tier": rng.choice(["none", "silver", "gold"]),
            "locale": "en",
            "signup_days": rng.randrange(2_000),
        }


def activity(rng: random.Random) -> Iterator[dict[str, object]]:
    """Recent activity of every shopper."""
    for number in range(SHOPPERS):
        views = rng.randrange(20)
        yield {
            "user_id": f"u{number}",
            "views_1h": views // 4,
            "views_24h": views,
            "carts_24h": views // 8,
            "impressions_24h": views // 2,
            "clicks_24h": views // 9,
            "orders_30d": rng.randrange(4),
            "last_category": f"category-{rng.randrange(10)}",
        }


def warm_pool(settings: Settings) -> int:
    """Publish one text for every (product, segment, variant), as if each had been asked for; answers how many."""
    bundle = load_bundle(bundle_path(settings)).sha256
    table = segment_table(settings)
    segments = {rule.name for rule in table.rules} | {table.default, table.unknown}
    topic = topics_of(settings)["copy"].name
    producer = Producer(producer_config(kafka_options(settings, "bench")))
    count = 0
    for product in products():
        for segment, recipe in itertools.product(sorted(segments), experiment_of(settings).recipes):
            text = f"{{NAME}} has {{FEATURE}}, for the {recipe.tone} way through the day. Yours for {{PRICE}}."
            key = CopyKey(product.product_id, segment, recipe.name, settings.serve.channel, settings.serve.locale)
            entry = PoolEntry(
                product_id=key.product_id,
                segment=segment,
                variant=recipe.name,
                channel=key.channel,
                locale=key.locale,
                candidates=[Candidate(copy_id=copy_id(bundle, text), slot_text=text, bundle_sha256=bundle)],
            )
            producer.produce(topic, value=msgspec.json.encode(entry), key=key.encode().encode())
            producer.poll(0)
            count += 1
    producer.flush(60)
    return count


class EventSource:
    """Events that all ask for a decision: ~250 bytes each, shoppers Zipf-distributed, ids never repeated."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self._shopper, self._product = Zipf(SHOPPERS, ZIPF, rng), Zipf(PRODUCTS, 1.0, rng)
        self._seed, self._count = seed, 0

    def next(self) -> tuple[bytes, bytes, str]:
        """(key, value, event_id)."""
        self._count += 1
        event_id = f"bench-{self._seed}-{self._count:012d}"
        user_id = f"u{self._shopper.draw()}"
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        value = (
            f'{{"kind":"product_viewed","event_id":"{event_id}","user_id":"{user_id}","time":"{moment}",'
            f'"product_id":"p{self._product.draw()}","session_id":"s-{self._count % 9973:08d}",'
            f'"position":{self._count % 40},'
            f'"user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}}'
        )
        return user_id.encode(), value.encode(), event_id
