"""What single texts did, from `patter.metrics.v1`: what P_conv is refitted to."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from inference.text.refit import Shown
from schemas.cells import COPY, LIFE, OTHERS, cell_of
from schemas.partials import CellMetrics
from schemas.token import code_of
from streams.kafka.records import Record

_metrics = msgspec.json.Decoder(CellMetrics)


class _Held(NamedTuple):
    revision: int
    shown: Shown


class Copies:
    """The newest revision of every copy cell whose names are known. `version` counts their changes."""

    def __init__(self) -> None:
        self._cells: dict[bytes, _Held] = {}
        self.version = 0
        self.skipped = 0

    def __iter__(self) -> Iterator[Shown]:
        return (held.shown for held in self._cells.values())

    def take(self, record: Record) -> None:
        """Apply a record of the topic. Other families are passed over; one that does not decode is skipped."""
        try:
            self._take(record.key or b"", record.value)
        except (msgspec.MsgspecError, ValueError):
            self.skipped += 1

    def _take(self, key: bytes, value: bytes | None) -> None:
        if not key.startswith(COPY.encode()):
            return
        cell = cell_of(key.decode())
        if (cell.family, cell.bucket) != (COPY, LIFE) or cell.arm == OTHERS:
            return
        held = self._cells.get(key)
        if not value:
            self.version += self._cells.pop(key, None) is not None
            return
        found = _metrics.decode(value)
        names = (found.experiment, found.category, found.segment)
        # The segment is the one that a text was written for, so its name has to be known.
        if tuple(map(code_of, names)) != tuple(cell.arm[:3]) or (held is not None and found.revision < held.revision):
            return
        counted = found.counters.get("impressions", 0), found.counters.get("clicks", 0)
        self._cells[key] = _Held(found.revision, Shown(*names, cell.arm.variant, *counted))
        self.version += held is None or held.shown != self._cells[key].shown
