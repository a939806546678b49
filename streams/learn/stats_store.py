"""Rates of copy go to the feature store, from a thread of their own: a store may be slow, or away."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from threading import Event as Flag
from threading import Lock
from typing import Protocol

import structlog

from schemas.errors import ConfigError, PatterError
from schemas.ports import Metrics
from streams.learn.overview import StatsRow
from streams.learn.setup import ROLE

log = structlog.get_logger("patter.streams.learn")

# Nothing decides on these rows; dashboards do not look more often.
EVERY_S = 5.0


class RowWriter(Protocol):
    """`features.store.writer.StoreWriter`, as far as it is used here."""

    def write(self, view: str, rows: Sequence[dict[str, object]], event_ms: int, /) -> int:
        """Write rows of absolute values. Raises PatterError."""
        ...


class StatsStore:
    """Keeps the newest row of each key until the store has taken it. `opened` opens the store and may take seconds."""

    def __init__(self, opened: Callable[[], RowWriter], metrics: Metrics, now_ms: Callable[[], int]) -> None:
        self._opened, self._metrics, self._now_ms = opened, metrics, now_ms
        self._writer: RowWriter | None = None
        self._rows: dict[tuple[str, tuple[tuple[str, str], ...]], StatsRow] = {}
        self._lock = Lock()

    def offer(self, rows: Sequence[StatsRow]) -> None:
        """Take rows; an older one of the same key that still waits is dropped."""
        if rows:
            with self._lock:
                self._rows.update({(row.view, row.keys): row for row in rows})

    def waiting(self) -> int:
        """How many rows the store has not taken yet."""
        return len(self._rows)

    def run(self, stop: Flag) -> None:
        """Write until told to stop. A store that can never take these rows (it has no such views) is left alone."""
        while not stop.wait(EVERY_S):
            try:
                self.write()
            except ConfigError as error:
                log.error("the feature store takes no statistics", error=str(error))
                return

    def write(self) -> None:
        """Write what waits. What the store refuses waits again, unless a newer row came meanwhile.

        Raises ConfigError where no later try could succeed.
        """
        with self._lock:
            rows, self._rows = self._rows, {}
        if not rows:
            return
        views: defaultdict[str, list[dict[str, object]]] = defaultdict(list)
        for row in rows.values():
            views[row.view].append(row.row())
        try:
            if self._writer is None:
                self._writer = self._opened()
            for view, found in views.items():
                self._writer.write(view, found, self._now_ms())
                self._metrics.add("patter_feature_rows_written_total", len(found), role=ROLE, view=view)
        except PatterError as error:
            self._metrics.add("patter_feature_write_errors_total", role=ROLE)
            with self._lock:
                self._rows = {**rows, **self._rows}
            if isinstance(error, ConfigError):
                raise
            log.warning("statistics not written", error=str(error))
