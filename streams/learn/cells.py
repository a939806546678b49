"""What one cell is to learn: counters by source. Pure; docs/feedback.md is the law.

A partial holds everything that its source has counted so far, so a newer one replaces an older one, and a record that
comes twice, late, or from a transaction that was aborted changes nothing: what it says is a function of the source's
log up to `through`, whoever wrote it.
"""

from collections.abc import Callable, Mapping

from inference.decide.intervals import wilson
from inference.decide.rates import cart_rate, click_rate, order_rate, order_rate_of_clicks
from schemas.cells import ARM_COUNTERS, COPY, OTHERS, TOTAL_COUNTERS, ArmCell, Cell
from schemas.partials import CellMetrics, Partial, Rate
from schemas.shopper_sums import SHOPPER_COUNTERS
from schemas.token import code_of
from streams.learn.names import Names

Counters = Mapping[str, int]
Value = Mapping[str, tuple[int, Counters]]
"""{source: (through, counters)}. Never changed in place: another thread may be reading it."""

COHORT = "cohort"
RATED = (COHORT, COPY)
"""The families whose counters are of the same decisions."""

Formula = Callable[[int, int], float | None]
RATES: Mapping[str, tuple[Formula, str, str]] = {
    "ctr": (click_rate, "clicks", "impressions"),
    "cart_per_click": (cart_rate, "clicked_carts", "clicks"),
    "order_per_impression": (order_rate, "impressed_orders", "impressions"),
    "order_per_click": (order_rate_of_clicks, "clicked_orders", "clicks"),
}
"""Rate -> its formula, and the counters that go into it."""

_ORDER = {name: place for place, name in enumerate(dict.fromkeys((*ARM_COUNTERS, *TOTAL_COUNTERS, *SHOPPER_COUNTERS)))}


def apply(value: Value, partial: Partial) -> Value | None:
    """The cell with a source's newer counters; None where the record is no newer than what is held."""
    held = value.get(partial.source)
    if held is not None and held[0] >= partial.through:
        return None
    return {**value, partial.source: (partial.through, partial.counters)}


def without(value: Value, source: str) -> Value:
    """The cell without a source whose partial was removed. Its `revision` falls: what is left is all there is."""
    return {name: held for name, held in value.items() if name != source}


def summed(value: Value) -> dict[str, int]:
    """Counters over all sources, those that are 0 left out, in the order of the catalogue."""
    total: dict[str, int] = {}
    for _, counters in value.values():
        add(total, counters)
    return {name: total[name] for name in sorted(total, key=lambda name: _ORDER.get(name, len(_ORDER))) if total[name]}


def add(total: dict[str, int], counters: Counters) -> None:
    """Add counters to `total`, in place."""
    for name, count in counters.items():
        total[name] = total.get(name, 0) + count


def revision(value: Value) -> int:
    """Grows with every newer partial, and is the same again after a restart: the sum over sources of `through` + 1."""
    return sum(through + 1 for through, _ in value.values())


def rates(counters: Counters) -> dict[str, Rate]:
    """The four rates with their 95 % intervals."""
    found = {}
    for name, (formula, above, below) in RATES.items():
        trials = counters.get(below, 0)
        successes = min(counters.get(above, 0), trials)
        value = formula(successes, trials)
        found[name] = Rate(None, None, None) if value is None else Rate(value, *wilson(successes, trials))
    return found


def named_codes(cell: Cell) -> tuple[int, ...]:
    """The codes of a cell that have names on `patter.codes.v1`. A text's has none: the pool has the ids."""
    return cell.arm[:-1] if cell.family == COPY else tuple(cell.arm)


def metrics_of(cell: Cell, value: Value, names: Names) -> CellMetrics:
    """The record that is published. Only `RATED` families have rates."""
    counters = summed(value)
    experiment, category, segment, variant = (names.of(code) for code in cell.arm)
    if cell.family == COPY and cell.arm != OTHERS:
        # An arm's code may be the same by chance.
        variant = f"{cell.arm.variant:08x}"
    return CellMetrics(
        family=cell.family,
        bucket=cell.bucket,
        experiment=experiment,
        category=category,
        segment=segment,
        variant=variant,
        counters=counters,
        sources={source: (through, dict(held)) for source, (through, held) in sorted(value.items())},
        revision=revision(value),
        rates=rates(counters) if cell.family in RATED else {},
    )


def is_named(arm: ArmCell, names: tuple[str, ...]) -> bool:
    """Whether these are an arm's names. One that is not known yet stands there as hex, and is none to learn under."""
    return tuple(map(code_of, names)) == tuple(arm)
