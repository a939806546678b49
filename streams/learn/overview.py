"""All lifetime cohorts of a shop, from `patter.metrics.v1`: what the store is told."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import msgspec
from msgspec import Struct

from schemas.cells import LIFE, OTHERS, cell_of
from schemas.partials import CellMetrics
from streams.kafka.records import Record
from streams.learn.cells import COHORT, add, is_named

_metrics = msgspec.json.Decoder(CellMetrics)
_COUNTED = ("impressions", "clicks", "carts", "orders", "revenue_minor", "impressed_orders")


class StatsRow(Struct, frozen=True):
    """A row of the feature views copy_stats and segment_stats. `view` and `keys` say which."""

    view: str
    keys: tuple[tuple[str, str], ...]
    features: dict[str, int | float | None]

    def row(self) -> dict[str, object]:
        """Join keys and features together, as the store takes them."""
        return {**dict(self.keys), **self.features}


class Overview:
    """The newest revision of every lifetime cohort whose names are known. Used by one thread."""

    def __init__(self) -> None:
        self._cells: dict[str, CellMetrics] = {}
        self._changed: set[tuple[str, str]] = set()
        self.skipped = 0

    def take(self, records: Iterable[Record]) -> None:
        """Apply records of the topic. One with a lower revision is old news; one that does not decode is skipped."""
        for record in records:
            try:
                self._take((record.key or b"").decode(), record.value)
            except (msgspec.MsgspecError, ValueError):
                self.skipped += 1

    def _take(self, key: str, value: bytes | None) -> None:
        cell = cell_of(key)
        if (cell.family, cell.bucket) != (COHORT, LIFE) or cell.arm == OTHERS:
            return
        held = self._cells.get(key)
        if not value:
            if held is not None:
                del self._cells[key]
                self._changed.add((held.variant, held.segment))
            return
        found = _metrics.decode(value)
        if not is_named(cell.arm, (found.experiment, found.category, found.segment, found.variant)):
            return
        if held is None or found.revision >= held.revision:
            self._cells[key] = found
            self._changed.add((found.variant, found.segment))

    def arms(self, experiment: str, arms: Collection[str]) -> dict[str, dict[str, int]]:
        """Counters of each arm of one experiment, over all categories and segments."""
        sums: dict[str, dict[str, int]] = {arm: {} for arm in arms}
        for cell in self._cells.values():
            if cell.experiment == experiment and cell.variant in sums:
                add(sums[cell.variant], cell.counters)
        return sums

    def take_rows(self) -> list[StatsRow]:
        """Rows of the stores' views that changed since the last call, over all categories and experiments."""
        changed, self._changed = self._changed, set()
        if not changed:
            return []
        segments = {segment for _, segment in changed}
        copies: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        wholes: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for cell in self._cells.values():
            if cell.segment in segments:
                for sums in (copies[cell.variant, cell.segment], wholes[cell.segment]):
                    for name in _COUNTED:
                        sums[name] = sums.get(name, 0) + cell.counters.get(name, 0)
        return [
            *(
                StatsRow("copy_stats", (("variant_id", variant), ("segment_id", segment)), _features(sums))
                for (variant, segment), sums in copies.items()
                if (variant, segment) in changed
            ),
            *(
                StatsRow("segment_stats", (("segment_id", segment),), _features(sums))
                for segment, sums in wholes.items()
            ),
        ]


def _features(sums: Mapping[str, int]) -> dict[str, int | float | None]:
    impressions = sums["impressions"]
    return {
        **{name: sums[name] for name in _COUNTED if name != "impressed_orders"},
        "ctr": sums["clicks"] / impressions if impressions else None,
        "order_per_impression": sums["impressed_orders"] / impressions if impressions else None,
    }
