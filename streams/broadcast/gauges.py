"""What a worker's states look like from outside, once a second."""

import time
from collections.abc import Callable, Iterable

from schemas.ports import FeatureReader, Metrics, ViewRow
from streams.broadcast.states import States

PERIOD_S = 1.0


class StateGauges:
    """Publishes sizes and ages of the states, and the feature reader's own counters."""

    def __init__(self, role: str, states: States, metrics: Metrics, reader: FeatureReader | None = None) -> None:
        self._role, self._states, self._metrics, self._reader = role, states, metrics, reader
        self._since = self._aged = 0.0
        self._before: dict[str, float] = {}

    def beat(self, now_ms: int) -> None:
        """Publish, where a period has passed."""
        now = time.monotonic()
        if now - self._since < PERIOD_S:
            return
        self._since = now
        role, states, put = self._role, self._states, self._metrics.set
        put("patter_pool_entries", len(states.pool.texts), role=role)
        put("patter_catalogue_products", len(states.catalogue), role=role)
        for state, age in states.ages(now_ms).items():
            put("patter_broadcast_age_seconds", age, role=role, state=state)
        if states.policy is not None:
            put("patter_policy_version", states.policy.version, role=role)
            put("patter_policy_age_seconds", (now_ms - states.policy.snapshot.created_ms) / 1000, role=role)
        if self._reader is not None:
            self._feature_counters(self._reader)

    def ages(self, rows: Callable[[], Iterable[tuple[str, ViewRow]]], now_ms: int) -> None:
        """Publish how old the oldest of a batch's rows is, by view, where a period has passed."""
        now = time.monotonic()
        if now - self._aged < PERIOD_S:
            return
        self._aged = now
        oldest: dict[str, int] = {}
        for view, row in rows():
            if row.event_ms:
                oldest[view] = min(row.event_ms, oldest.get(view, row.event_ms))
        for view, event_ms in oldest.items():
            self._metrics.set("patter_feature_age_seconds", (now_ms - event_ms) / 1000, role=self._role, view=view)

    def _feature_counters(self, reader: FeatureReader) -> None:
        stats = dict(reader.stats())
        rise = {name: value - self._before.get(name, 0.0) for name, value in stats.items()}
        self._before = stats
        add, role = self._metrics.add, self._role
        add("patter_feature_cache_total", rise.get("cache_hits", 0.0), role=role, result="hit")
        add("patter_feature_cache_total", rise.get("cache_misses", 0.0), role=role, result="miss")
        add("patter_feature_errors_total", rise.get("errors", 0.0), role=role)
        add("patter_feature_reads_total", rise.get("reads", 0.0), role=role)
        add("patter_feature_read_seconds_total", rise.get("read_seconds", 0.0), role=role)
