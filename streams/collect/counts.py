"""One source's counters: its total, its cells by arm cell and bucket, and those of single texts."""

from collections.abc import Iterator, Mapping, Sequence

from schemas.cells import (
    ARM_COUNTERS,
    COPY,
    DAY,
    FLOW,
    LIFE,
    TEXT_DAY,
    TOTAL,
    TOTAL_COUNTERS,
    WIDTHS,
    YOUNG,
    ArmCell,
    Cell,
    bucket_name,
    bucket_start,
    is_kept,
)
from streams.collect.numbered import NOWHERE, Numbered
from streams.collect.sums import Sums

Place = tuple[int, int, int]
"""Which bucket (an index of WIDTHS, `_LIFE`, `_COPY` or `_COPY_DAY`), where it starts (ms), and the number of the arm
cell, or of the copy cell."""

_LIFE = len(WIDTHS)
_COPY = _LIFE + 1
_COPY_DAY = _COPY + 1
_FLOW, _YOUNG, _DAY = (WIDTHS.index(width) for width in (FLOW, YOUNG, DAY))
# State holds these numbers: what is new goes behind the others.
_ENDING = {**dict(enumerate(WIDTHS)), _COPY_DAY: TEXT_DAY}
_AT = {name: at for at, name in enumerate(ARM_COUNTERS)}
# Every width is a multiple of this: no bucket ends within it.
STEP_MS = FLOW.width_ms


class Counts:
    """Counters that only grow. What changed since the last `settle` is in `changed`, in `arms`, `copies` and `sums`."""

    def __init__(self, max_cells: int, max_copies: int, groups: Sequence[ArmCell] = ()) -> None:
        self.high_ms = 0
        self.total: dict[str, int] = dict.fromkeys(TOTAL_COUNTERS, 0)
        self.arms, self.copies = Numbered(max_cells), Numbered(max_copies)
        self.sums = Sums(max_cells, groups)
        self._cells: dict[Place, list[int]] = {}
        self.changed: set[Place] = set()
        self._expired_at = 0

    def __len__(self) -> int:
        return len(self._cells) + len(self.sums)

    def add(self, arm: int, copy: int, event_ms: int, decided_ms: int, amounts: Mapping[str, int]) -> None:
        """Count what one event does to one decision, in every bucket that is kept.

        `arm` and `copy` are numbers of `arms` and `copies`; a copy NOWHERE is none.
        """
        places: list[Place] = [(_LIFE, 0, arm)]
        if copy != NOWHERE:
            places.append((_COPY, 0, copy))
            start = bucket_start(TEXT_DAY, decided_ms)
            if is_kept(TEXT_DAY, start, self.high_ms):
                places.append((_COPY_DAY, start, copy))
        for which, moment_ms in ((_FLOW, event_ms), (_YOUNG, decided_ms), (_DAY, decided_ms)):
            start = bucket_start(WIDTHS[which], moment_ms)
            if is_kept(WIDTHS[which], start, self.high_ms):
                places.append((which, start, arm))
        for place in places:
            counters = self._cells.get(place)
            if counters is None:
                counters = self._cells[place] = [0] * len(ARM_COUNTERS)
            for name, amount in amounts.items():
                counters[_AT[name]] += amount
        self.changed.update(places)

    def expire(self) -> list[Place]:
        """Drop the cells whose bucket is kept no longer; answers which."""
        if self.high_ms // STEP_MS == self._expired_at:
            return []
        self._expired_at = self.high_ms // STEP_MS
        gone = [
            place
            for place in self._cells
            if place[0] in _ENDING and not is_kept(_ENDING[place[0]], place[1], self.high_ms)
        ]
        for place in gone:
            del self._cells[place]
        self.changed.difference_update(gone)
        return gone

    def settle(self) -> None:
        """What changed is written down."""
        self.changed = set()
        self.arms.settle()
        self.copies.settle()
        self.sums.settle()

    def cell(self, place: Place) -> Cell:
        """The cell at a place."""
        which, start, arm = place
        if which == _COPY:
            return Cell(COPY, LIFE, self.copies.cells[arm])
        if which == _LIFE:
            return Cell("cohort", LIFE, self.arms.cells[arm])
        if which == _COPY_DAY:
            return Cell(COPY, bucket_name(TEXT_DAY, start), self.copies.cells[arm])
        return Cell(WIDTHS[which].family, bucket_name(WIDTHS[which], start), self.arms.cells[arm])

    def counters(self, place: Place) -> dict[str, int]:
        """A cell's counters that are not 0."""
        return {name: count for name, count in zip(ARM_COUNTERS, self._cells[place], strict=True) if count}

    def raw(self, place: Place) -> list[int]:
        """A cell's counters as state keeps them."""
        return self._cells[place]

    def restore(self, place: Place, counters: Sequence[int]) -> None:
        """Put a cell back as `raw` gave it."""
        self._cells[place] = list(counters)

    def everything(self) -> Iterator[tuple[Cell, dict[str, int]]]:
        """Every cell with its counters, the total among them."""
        yield TOTAL, {name: count for name, count in self.total.items() if count}
        for place in self._cells:
            yield self.cell(place), self.counters(place)
        for pair in self.sums.known():
            yield self.sums.cell(pair), self.sums.counters(pair)
