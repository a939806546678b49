"""Figures of a benchmark: medians, ranges, latencies, and the ratio of two subjects."""

from collections.abc import Sequence
from statistics import median

from patter.demo.recount_figures import percentile


def latencies(values_ms: Sequence[float]) -> dict[str, float | int | None]:
    """p50, p95, p99, p999 and max of latencies in ms."""
    ordered = sorted(values_ms)
    named = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999, "max": 1.0}
    found: dict[str, float | int | None] = {
        name: None if (value := percentile(ordered, share)) is None else round(value, 2)
        for name, share in named.items()
    }
    return {**found, "n": len(ordered)}


def ratio(
    name: str,
    unit: str,
    over: Sequence[float],
    under: Sequence[float],
    goal: float | None,
    *,
    least: float | None,
    subjects: tuple[str, str] = ("patter", "confluent_raw"),
) -> dict[str, object]:
    """Ratio of two subjects' figures, paired by repeat: the median of the pairs' ratios with their range."""
    pairs = [a / b for a, b in zip(over, under, strict=True) if b]
    return {
        "name": name,
        "unit": unit,
        "numerator": subjects[0],
        "denominator": subjects[1],
        "median": round(median(pairs), 4) if pairs else None,
        "low": round(min(pairs), 4) if pairs else None,
        "high": round(max(pairs), 4) if pairs else None,
        "goal": goal,
        "least": least,
    }
