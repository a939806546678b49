"""What a loop says about its own load: lag, busy share and rate, once a second."""

import time
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import Consumer, TopicPartition

from schemas.ports import Metrics
from streams.kafka.records import Record

# A gauge that moves more often than it is scraped costs and shows nothing.
PERIOD_S = 1.0


class Pulse:
    """Adds up waiting time and records, and publishes gauges once a period."""

    def __init__(self, role: str, metrics: Metrics, now_ms: Callable[[], int]) -> None:
        self._role, self._metrics, self._now_ms = role, metrics, now_ms
        self._since = time.perf_counter()
        self._waited = 0.0
        self._count = 0
        self._newest_ms = 0

    def waited(self, seconds: float) -> None:
        """The loop waited for records this long."""
        self._waited += seconds

    def handled(self, records: Sequence[Record]) -> None:
        """These records are done."""
        self._count += len(records)
        self._newest_ms = records[-1].timestamp_ms
        latency = max(0, self._now_ms() - self._newest_ms) / 1000
        self._metrics.observe("patter_decision_latency_seconds", latency, role=self._role)

    def beat(self, consumer: Consumer, topic: str, positions: Mapping[int, int], ended: Mapping[int, int]) -> None:
        """Publish, where a period has passed. `ended` is where the end of a partition was last met."""
        now = time.perf_counter()
        period = now - self._since
        if period < PERIOD_S:
            return
        lag = 0
        for partition, position in positions.items():
            _, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            behind = 0 if ended.get(partition, -1) >= high else max(0, high - position)
            lag += behind
            self._metrics.set("patter_lag_records", behind, role=self._role, partition=str(partition))
        age = max(0, self._now_ms() - self._newest_ms) / 1000 if lag and self._newest_ms else 0.0
        self._metrics.set("patter_lag_seconds", age, role=self._role)
        self._metrics.set("patter_busy_ratio", max(0.0, min(1.0, 1 - self._waited / period)), role=self._role)
        self._metrics.set("patter_handled_rate", self._count / period, role=self._role)
        self._since, self._waited, self._count = now, 0.0, 0
