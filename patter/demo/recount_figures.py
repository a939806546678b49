"""Figures from many values: percentiles, shares, and time that something lasted."""

import math
from collections.abc import Iterable, Sequence


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of all do not exceed (nearest rank), of values in order; None without values."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def rounded(value: float | None, digits: int = 3) -> float | None:
    """For people and JSON: no more digits than were measured."""
    return None if value is None else round(value, digits)


def ratio(part: float, whole: float) -> float | None:
    """part / whole, None where there is no whole."""
    return part / whole if whole else None


def latencies(values_ms: Iterable[float]) -> dict[str, float | int | None]:
    """p50, p95, p99, max and n."""
    ordered = sorted(values_ms)
    found: dict[str, float | int | None] = {
        f"p{percent}": rounded(percentile(ordered, percent / 100)) for percent in (50, 95, 99)
    }
    return {**found, "max": rounded(ordered[-1]) if ordered else None, "n": len(ordered)}


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """How long at least one of the spans lasted."""
    total = 0.0
    end = -math.inf
    for first, last in sorted(spans):
        if last > end:
            total += last - max(first, end)
            end = last
    return total
