"""Reach as a person reads it in a terminal."""

from collections.abc import Iterator

from features.aggregates.distinct import RELATIVE_ERROR, Estimate
from patter.reach.found import Bucket, Product, Products, ReachFound
from schemas.sketches import SHOPPER_KINDS

NOTHING = "nothing was counted yet; collect writes sketches once shoppers see copy"


def written(found: ReachFound, shown: Bucket) -> str:
    """Shoppers by day, and the products of one bucket."""
    if not found.sources:
        return NOTHING
    head = f"{'shoppers':12}" + "".join(f"{kind:>30}" for kind in SHOPPER_KINDS)
    rows = [
        f"{each.bucket:12}" + "".join(f"{_span(each.shoppers[kind]):>30}" for kind in SHOPPER_KINDS)
        for each in found.buckets
    ]
    note = f"estimates with 95 % intervals; their standard error is {RELATIVE_ERROR:.2%} at most"
    lines = [head, *rows, note]
    for kind, products in shown.products.items():
        lines += _products(kind, products, shown.bucket)
    return "\n".join(lines)


def _span(of: Estimate) -> str:
    # A few are counted one by one.
    if of.low == of.high == of.value:
        return f"{of.value:,}"
    return f"{of.value:,} ({of.low:,} to {of.high:,})"


def _products(kind: str, products: Products, bucket: str) -> Iterator[str]:
    if not products.total:
        return
    yield ""
    yield f"products by {kind}, {bucket}: {products.total:,} in all, others {products.others_at_most:,} at most each"
    for place, product in enumerate(products.top, 1):
        yield f"{place:4}{'' if product.certain else '?':1} {_name(product):40} {_bounds(product)}"


def _name(product: Product) -> str:
    return " or ".join(product.ids) or product.code


def _bounds(product: Product) -> str:
    return f"{product.low:,}" if product.low == product.high else f"{product.low:,} to {product.high:,}"
