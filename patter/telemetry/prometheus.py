"""The metric catalogue made real with prometheus-client.

Label children are bound once and kept: binding at each call costs two to three times the count itself.
"""

import time

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.metrics import CATALOGUE, Metric

Family = Counter | Gauge | Histogram


class PrometheusMetrics:
    """Implements `schemas.ports.Metrics`. An unknown name or label is a KeyError or ValueError: a bug, not data."""

    def __init__(self, role: str) -> None:
        self.registry = CollectorRegistry()
        self._families: dict[str, Family] = {metric.name: self._family(metric) for metric in CATALOGUE}
        self._children: dict[tuple[object, ...], Family] = {}
        process = psutil.Process()
        self._families["patter_cpu_seconds"].labels(role=role).set_function(time.process_time)  # type: ignore[union-attr]
        self._families["patter_memory_bytes"].labels(role=role).set_function(  # type: ignore[union-attr]
            lambda: process.memory_info().rss
        )

    def _family(self, metric: Metric) -> Family:
        if metric.kind == "counter":
            return Counter(metric.name.removesuffix("_total"), metric.about, metric.labels, registry=self.registry)
        if metric.kind == "gauge":
            return Gauge(metric.name, metric.about, metric.labels, registry=self.registry)
        return Histogram(metric.name, metric.about, metric.labels, buckets=metric.buckets, registry=self.registry)

    def _child(self, name: str, labels: dict[str, str]) -> Family:
        key = (name, *labels.items())
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._families[name].labels(**labels)
        return child

    def add(self, name: str, value: float = 1.0, **labels: str) -> None:
        child = self._child(name, labels)
        assert isinstance(child, Counter)
        child.inc(value)

    def set(self, name: str, value: float, **labels: str) -> None:
        child = self._child(name, labels)
        assert isinstance(child, Gauge)
        child.set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        child = self._child(name, labels)
        assert isinstance(child, Histogram)
        child.observe(value)
