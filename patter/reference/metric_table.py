"""docs/reference/metrics.md, from `schemas.metrics.CATALOGUE`."""

from patter.reference.markdown import code, page, table
from schemas.metrics import CATALOGUE, Metric

_INTRO = """
Every metric that a role publishes at `/metrics`, in Prometheus' text format. Labels are bounded sets and never an id or
a text. `patter status` says on which port each role of a machine listens; [operations](../operations.md) says which of
these to watch. A counter counts what was committed, begins at zero with its process, and is for rates, not for sums.
"""


def metrics_page() -> str:
    """The page."""
    rows = [
        [code(metric.name), metric.kind, metric.unit, ", ".join(map(code, metric.labels)), metric.about]
        for metric in CATALOGUE
    ]
    histograms = [_buckets(metric) for metric in CATALOGUE if metric.buckets]
    return page(
        "Metrics",
        _INTRO,
        table(["metric", "kind", "unit", "labels", "what it says"], rows),
        "## Buckets",
        "Upper bounds of the histograms, in seconds. They grow by the same factor from one to the next.",
        "\n".join(histograms),
    )


def _buckets(metric: Metric) -> str:
    first, last = metric.buckets[0], metric.buckets[-1]
    return f"- {code(metric.name)}: {len(metric.buckets)} buckets from {first:g} to {last:.3g}"
