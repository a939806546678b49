"""Reach over all sources: sketches by source in, numbers with their bounds out. No I/O."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from features.aggregates.distinct import Estimate, united
from features.aggregates.records import Written
from features.aggregates.top import Ranking, ranking
from schemas.cells import DAY_MS
from schemas.sketches import ALL_TIME, DISTINCT, KINDS, SHOPPER_KINDS, TOP, Name

LIFE = "all time"


class Counted(Struct, frozen=True):
    """A source's part: counted from the offset `since` up to `through`."""

    since: int
    through: int


class Product(Struct, frozen=True, kw_only=True):
    """A product by its code in hex, with the ids that the catalogue has for the code, and the bounds of its amount.

    It is `certain` where no product that is not listed can have brought more.
    """

    code: str
    ids: list[str]
    low: int
    high: int
    certain: bool


class Products(Struct, frozen=True):
    """Those that bring most of one kind. Whatever is not listed brings `others_at_most` each; `total` is exact."""

    top: list[Product]
    others_at_most: int
    total: int


class Bucket(Struct, frozen=True):
    """A day (UTC, `YYYY-MM-DD`), or all time: shoppers and products by what is counted of them."""

    bucket: str
    shoppers: dict[str, Estimate]
    products: dict[str, Products]


class ReachFound(Struct, frozen=True):
    """All time first, then the newest day."""

    sources: dict[str, Counted]
    buckets: list[Bucket]


def reach_found(written: Sequence[Written], most: int) -> ReachFound:
    """The reach of sources together, with the `most` products of each kind. Raises ValueError where a sketch is
    damaged.
    """
    days = {name.day for each in written for name in each.reach.names()} - {ALL_TIME}
    return ReachFound(
        {each.source: Counted(each.since, each.through) for each in written},
        [_bucket(written, day, most) for day in (ALL_TIME, *sorted(days, reverse=True))],
    )


def codes_of(found: ReachFound) -> set[str]:
    """The codes of every product that is listed."""
    return {
        product.code for bucket in found.buckets for products in bucket.products.values() for product in products.top
    }


def named(found: ReachFound, ids: Mapping[str, Sequence[str]]) -> ReachFound:
    """The same with the catalogue's ids, by code in hex."""
    return replace(found, buckets=[_named(bucket, ids) for bucket in found.buckets])


def _named(bucket: Bucket, ids: Mapping[str, Sequence[str]]) -> Bucket:
    products = {
        kind: replace(each, top=[replace(product, ids=list(ids.get(product.code, ()))) for product in each.top])
        for kind, each in bucket.products.items()
    }
    return replace(bucket, products=products)


def _bucket(written: Sequence[Written], day: int, most: int) -> Bucket:
    shoppers = {
        kind: united(each.reach.distinct(Name(DISTINCT, kind, day)) for each in written) for kind in SHOPPER_KINDS
    }
    rankings = {kind: ranking([each.reach.top(Name(TOP, kind, day)) for each in written], most) for kind in KINDS}
    return Bucket(bucket_label(day), shoppers, {kind: _products(found) for kind, found in rankings.items()})


def _products(found: Ranking) -> Products:
    top = [
        Product(code=f"{each.item:08x}", ids=[], low=each.low, high=each.high, certain=each.certain)
        for each in found.items
    ]
    return Products(top, found.others_at_most, found.total)


def bucket_label(day: int) -> str:
    """A day as it is told."""
    return LIFE if day == ALL_TIME else f"{datetime.fromtimestamp(day * DAY_MS / 1000, UTC):%Y-%m-%d}"
