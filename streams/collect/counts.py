"""One source's counters: its total, and its cells by arm cell and bucket."""

from collections.abc import Iterator, Mapping, Sequence

from schemas.cells import (
    ARM_COUNTERS,
    DAY,
    FLOW,
    LIFE,
    OTHERS,
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

Place = tuple[int, int, int]
"""Which width (an index, or `_LIFE`), where the bucket starts (ms), and the number of the arm cell."""

_LIFE = len(WIDTHS)
_FLOW, _YOUNG, _DAY = (WIDTHS.index(width) for width in (FLOW, YOUNG, DAY))
_AT = {name: at for at, name in enumerate(ARM_COUNTERS)}
# Every width is a multiple of this: no bucket ends within it.
STEP_MS = FLOW.width_ms


class Counts:
    """Counters that only grow. What changed since the last `settle` is in `changed`, `fresh_arms` and `gone`."""

    def __init__(self, max_cells: int) -> None:
        self._max_cells = max_cells
        self.high_ms = 0
        self.total: dict[str, int] = dict.fromkeys(TOTAL_COUNTERS, 0)
        self.arms: list[ArmCell] = []
        self._numbers: dict[ArmCell, int] = {}
        self._cells: dict[Place, list[int]] = {}
        self.changed: set[Place] = set()
        self.fresh_arms = 0
        self._expired_at = 0

    def __len__(self) -> int:
        return len(self._cells)

    def number_of(self, arm: ArmCell) -> int:
        """The number of an arm cell; past the limit that of `other`."""
        number = self._numbers.get(arm)
        if number is None:
            if arm != OTHERS and len(self.arms) - (OTHERS in self._numbers) >= self._max_cells:
                return self.number_of(OTHERS)
            number = self._numbers[arm] = len(self.arms)
            self.arms.append(arm)
            self.fresh_arms += 1
        return number

    def add(self, arm: int, event_ms: int, decided_ms: int, amounts: Mapping[str, int]) -> None:
        """Count what one event does to one decision, in every bucket that is kept."""
        places: list[Place] = [(_LIFE, 0, arm)]
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
            if place[0] != _LIFE and not is_kept(WIDTHS[place[0]], place[1], self.high_ms)
        ]
        for place in gone:
            del self._cells[place]
        self.changed.difference_update(gone)
        return gone

    def settle(self) -> None:
        """What changed is written down."""
        self.changed = set()
        self.fresh_arms = 0

    def cell(self, place: Place) -> Cell:
        """The cell at a place."""
        which, start, arm = place
        if which == _LIFE:
            return Cell("cohort", LIFE, self.arms[arm])
        return Cell(WIDTHS[which].family, bucket_name(WIDTHS[which], start), self.arms[arm])

    def counters(self, place: Place) -> dict[str, int]:
        """A cell's counters that are not 0."""
        return {name: count for name, count in zip(ARM_COUNTERS, self._cells[place], strict=True) if count}

    def raw(self, place: Place) -> list[int]:
        """A cell's counters as state keeps them."""
        return self._cells[place]

    def restore(self, place: Place, counters: Sequence[int]) -> None:
        """Put a cell back as `raw` gave it."""
        self._cells[place] = list(counters)

    def restore_arm(self, number: int, arm: ArmCell) -> None:
        """Put an arm cell back. In the order of their numbers."""
        if number != len(self.arms):
            raise ValueError(f"arm cell {number} after {len(self.arms)}")
        self.arms.append(arm)
        self._numbers[arm] = number

    def everything(self) -> Iterator[tuple[Cell, dict[str, int]]]:
        """Every cell with its counters, the total among them."""
        yield TOTAL, {name: count for name, count in self.total.items() if count}
        for place in self._cells:
            yield self.cell(place), self.counters(place)
