"""A run of `patter write`: product after product, each shown as soon as it is done."""

import time
from collections.abc import Callable, Iterator, Sequence
from math import ceil

from msgspec import Struct

from inference.generate.compose import compose
from inference.generate.copyset import CopySet
from inference.generate.judge import Standards
from inference.generate.reference import Embedder
from inference.generate.select import Predict
from inference.text.embedder import Vector
from patter.write.plan import Plan
from schemas.catalog import Product
from schemas.ports import Writer

# So many texts are asked for at once after the first product: enough that the writer's rows are full most of the time,
# and no more than a second or two of work between two products on the screen.
BATCH = 128
# Bounds one call of the writer, which a batch takes seconds for on one core. A writer that hangs is what it is for.
DEADLINE_S = 300.0


class Timing(Struct, frozen=True, kw_only=True):
    """Rates over the time spent on writing, checks included. `first_copy_ms` is from the start of the command."""

    copies_per_s: float | None
    tokens_per_s: float | None
    first_copy_ms: float | None


def write_products(
    writer: Writer,
    products: Sequence[Product],
    plan: Plan,
    *,
    variants: int,
    seed: int,
    standards: Standards,
    embedder: Embedder[Vector],
    predict: Predict | None = None,
    done: Callable[[list[CopySet]], None],
    began_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Timing:
    """Write every set of the plan for each product; `done` is given a product's sets, in the products' order.

    `began_s` is what `clock` read when the command started.
    """
    first: float | None = None
    copies, tokens, begun = 0, 0, clock()
    shown_s = 0.0
    for chunk in chunks(products, len(plan.sets) * variants):
        sets = compose(
            writer,
            plan.asks(chunk),
            variants=variants,
            seed=seed,
            standards=standards,
            embedder=embedder,
            deadline_s=DEADLINE_S,
            predict=predict,
        )
        written_s = clock()
        first = written_s if first is None else first
        for place in range(0, len(sets), len(plan.sets)):
            done(sets[place : place + len(plan.sets)])
        shown_s += clock() - written_s
        copies += sum(len(each.variants) for each in sets)
        tokens += sum(variant.tokens for each in sets for variant in each.variants)
    spent = clock() - begun - shown_s
    return Timing(
        copies_per_s=round(copies / spent, 2) if spent > 0 else None,
        tokens_per_s=round(tokens / spent, 2) if spent > 0 else None,
        first_copy_ms=None if first is None else round((first - began_s) * 1000, 1),
    )


def chunks(products: Sequence[Product], texts_each: int) -> Iterator[Sequence[Product]]:
    """The first product by itself, since somebody waits for it; then as many as fill a batch."""
    many = max(1, ceil(BATCH / max(1, texts_each)))
    yield products[:1]
    for place in range(1, len(products), many):
        yield products[place : place + many]
