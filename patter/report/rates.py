"""Rates of an experiment's arms, per category and over all: what was counted, as it was."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from inference.decide.intervals import wilson


class ArmRates(Struct, frozen=True, kw_only=True):
    """One arm in one category; `category` None is all of them. Counts are of decisions.

    The ends are Wilson's 95 % interval, which takes impressions as independent: too narrow where shoppers come often.
    """

    category: str | None
    arm: str
    impressions: int
    clicks: int
    orders: int
    ctr: float | None
    ctr_low: float | None
    ctr_high: float | None
    order_per_impression: float | None
    order_low: float | None
    order_high: float | None


def rates(cohorts: Iterable[tuple[str, str, Mapping[str, int]]]) -> list[ArmRates]:
    """Rates of (category, arm, counters), pooled ones first."""
    counted: defaultdict[tuple[str | None, str], Counter[str]] = defaultdict(Counter)
    for category, arm, counters in cohorts:
        counted[None, arm].update(counters)
        counted[category, arm].update(counters)
    ordered = sorted(counted, key=lambda place: (place[0] is not None, place[0] or "", place[1]))
    return [_rates(*place, counted[place]) for place in ordered]


def _rates(category: str | None, arm: str, counted: Counter[str]) -> ArmRates:
    impressions = counted["impressions"]
    ctr, order = (_rate(counted[name], impressions) for name in ("clicks", "impressed_orders"))
    return ArmRates(
        category=category,
        arm=arm,
        impressions=impressions,
        clicks=counted["clicks"],
        orders=counted["impressed_orders"],
        ctr=ctr[0],
        ctr_low=ctr[1],
        ctr_high=ctr[2],
        order_per_impression=order[0],
        order_low=order[1],
        order_high=order[2],
    )


def _rate(above: int, below: int) -> tuple[float | None, float | None, float | None]:
    if not below:
        return None, None, None
    return (above / below, *wilson(min(above, below), below))
