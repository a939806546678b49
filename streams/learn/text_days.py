"""What single texts did day by day in each segment, from `patter.metrics.v1`: what the tests of fatigue look at."""

from collections import defaultdict
from typing import NamedTuple

import msgspec
from msgspec import Struct

from inference.fatigue.decline import Day
from schemas.cells import COPY, DAY_MS, LIFE, OTHERS, SECOND_MS, TEXT_DAY, Cell, cell_of
from schemas.partials import CellMetrics
from schemas.token import code_of
from streams.kafka.records import Record

_metrics = msgspec.json.Decoder(CellMetrics)
_LIFE = -1
"""In place of the start of a day: all time."""


class Place(NamedTuple):
    """A text in a segment, both by their codes."""

    segment: int
    copy: int


class History(Struct, frozen=True):
    """What a text did in a segment: its days that are over, in their order, and the sum of all before the first that
    is held. `others` and `others_past` are all other texts of the segment, on the same days.
    """

    days: list[Day]
    past: Day
    others: list[Day]
    others_past: Day


class _Held(NamedTuple):
    revision: int
    clicks: int
    impressions: int


Sums = dict[int, list[int]]
"""By the start of a day (ms), or _LIFE: clicks and impressions."""


class TextDays:
    """The newest revision of every copy cell, summed over experiments and categories. `skipped` records were none.

    A cell takes some 300 bytes; a text has one for each of its days that collect keeps, and one for all time.
    """

    def __init__(self) -> None:
        self._cells: dict[bytes, _Held] = {}
        self._texts: dict[Place, Sums] = {}
        self._segments: dict[int, Sums] = {}
        self._looks: defaultdict[int, int] = defaultdict(int)
        self.skipped = 0

    def take(self, record: Record) -> None:
        """Apply a record of the topic. Other families are passed over; one that does not decode is skipped."""
        key = record.key or b""
        if not key.startswith(b"copy|"):
            return
        try:
            self._take(key, cell_of(key.decode()), record.value)
        except (msgspec.MsgspecError, ValueError):
            self.skipped += 1

    def _take(self, key: bytes, cell: Cell, value: bytes | None) -> None:
        start = _start(cell)
        if start is None or cell.arm == OTHERS:
            return
        held, found = self._cells.get(key), None
        if value:
            metrics = _metrics.decode(value)
            # A code that has no name yet stands there as hex: whose texts these are is not known.
            if code_of(metrics.segment) != cell.arm.segment or (held is not None and metrics.revision < held.revision):
                return
            counters = metrics.counters
            found = _Held(metrics.revision, counters.get("clicks", 0), counters.get("impressions", 0))
            self._cells[key] = found
        elif held is not None:
            del self._cells[key]
        clicks = (found.clicks if found else 0) - (held.clicks if held else 0)
        impressions = (found.impressions if found else 0) - (held.impressions if held else 0)
        place = Place(cell.arm.segment, cell.arm.variant)
        for sums in (self._texts.setdefault(place, {}), self._segments.setdefault(place.segment, {})):
            counted = sums.setdefault(start, [0, 0])
            counted[0] += clicks
            counted[1] += impressions
        self._looks[start] += impressions

    def looks(self, until_ms: int) -> int:
        """Impressions of all days that were over at `until_ms`."""
        return sum(count for start, count in self._looks.items() if _over(start, until_ms))

    def life(self, place: Place) -> Day:
        """All that a text did in a segment."""
        return _day(self._texts.get(place, {}).get(_LIFE))

    def others(self, place: Place) -> Day:
        """All that every other text did in its segment."""
        return _less(self._segments.get(place.segment, {}).get(_LIFE), self._texts.get(place, {}).get(_LIFE))

    def history(self, place: Place, until_ms: int) -> History:
        """A text's days that were over at `until_ms`."""
        own, whole = self._texts.get(place, {}), self._segments.get(place.segment, {})
        starts = sorted(start for start, counted in own.items() if counted[1] > 0 and _over(start, until_ms))
        past = _past(own)
        everyones = _past(whole)
        return History(
            days=[_day(own[start]) for start in starts],
            past=past,
            others=[_less(whole.get(start), own[start]) for start in starts],
            others_past=_less([everyones.clicks, everyones.impressions], [past.clicks, past.impressions]),
        )


def _start(cell: Cell) -> int | None:
    """When a cell's day begins; None where it is neither a day's nor all time's."""
    if cell.bucket == LIFE:
        return _LIFE
    name, _, start = cell.bucket.partition(":")
    return int(start) * SECOND_MS if (cell.family, name) == (COPY, TEXT_DAY.name) else None


def _over(start: int, until_ms: int) -> bool:
    return start != _LIFE and start + DAY_MS <= until_ms


def _past(sums: Sums) -> Day:
    """What was before the days that are held. Days and lifetime are published one after the other, so their difference
    may be out by what came in between; it is never below nothing.
    """
    days = [counted for start, counted in sums.items() if start != _LIFE]
    life = sums.get(_LIFE, [0, 0])
    return _less(life, [sum(clicks for clicks, _ in days), sum(impressions for _, impressions in days)])


def _less(whole: list[int] | None, part: list[int] | None) -> Day:
    clicks, impressions = (max(0, every - some) for every, some in zip(whole or (0, 0), part or (0, 0), strict=True))
    return Day(min(clicks, impressions), impressions)


def _day(counted: list[int] | None) -> Day:
    return _less(counted, None)
