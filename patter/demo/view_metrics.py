"""The roles' Prometheus pages, read: sums, rises since an earlier page, and quantiles of histograms."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

Metrics = Mapping[str, Sequence[Sample]]
"""Sample name -> its samples, one for each set of labels."""


def parse_metrics(text: str) -> dict[str, list[Sample]]:
    """A page of `/metrics`. Raises ValueError where it is none."""
    return by_name(sample for family in text_string_to_metric_families(text) for sample in family.samples)


def by_name(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Samples that were parsed elsewhere."""
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.name].append(sample)
    return dict(found)


def total(metrics: Metrics, name: str, **labels: str) -> float:
    """The sum of a metric's samples with these labels; 0 where there are none."""
    return sum(_picked(metrics, name, labels))


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The greatest of a gauge's samples with these labels; None where there are none."""
    return max(_picked(metrics, name, labels), default=None)


def split(metrics: Metrics, name: str, label: str) -> dict[str, float]:
    """A metric's sum for each value of a label."""
    found: defaultdict[str, float] = defaultdict(float)
    for sample in metrics.get(name, ()):
        found[sample.labels.get(label, "")] += sample.value
    return dict(found)


def _picked(metrics: Metrics, name: str, labels: Mapping[str, str]) -> list[float]:
    return [
        sample.value
        for sample in metrics.get(name, ())
        if all(sample.labels.get(label) == wanted for label, wanted in labels.items())
    ]


def rise(now: float, before: float) -> float:
    """How much a counter rose. A lower figure than before means a restarted process, which counts from 0."""
    return now - before if now >= before else now


def quantiles(now: Metrics, before: Metrics, name: str, shares: Sequence[float]) -> list[float | None]:
    """Quantiles of what a histogram took in since `before`, read off linearly within a bucket; None where it took in
    nothing. Above the last bound the answer is that bound.
    """
    counts = _buckets(now, name)
    earlier = _buckets(before, name)
    bounds = sorted(counts)
    cumulative = [rise(counts[bound], earlier.get(bound, 0.0)) for bound in bounds]
    if not cumulative or cumulative[-1] <= 0:
        return [None] * len(shares)
    return [_quantile(bounds, cumulative, share) for share in shares]


def _buckets(metrics: Metrics, name: str) -> dict[float, float]:
    found: defaultdict[float, float] = defaultdict(float)
    for sample in metrics.get(f"{name}_bucket", ()):
        found[float(sample.labels["le"])] += sample.value
    return dict(found)


def _quantile(bounds: Sequence[float], cumulative: Sequence[float], share: float) -> float:
    rank = share * cumulative[-1]
    low, below = 0.0, 0.0
    for bound, count in zip(bounds, cumulative, strict=True):
        if count >= rank and count > below:
            if math.isinf(bound):
                return low
            return low + (bound - low) * (rank - below) / (count - below)
        low, below = bound, count
    return low
