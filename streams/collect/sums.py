"""Sums over the shoppers of an experiment's arm. Squares do not add over buckets, so there is one cell for all time.

What a shopper has brought so far stands with the shopper; what it adds to the sums is the difference to before.
"""

from collections.abc import Mapping, Sequence

from schemas.cells import DAY_MS, LIFE, ArmCell, Cell
from schemas.shopper_sums import MOST, RATIOS, SHOPPER_COUNTERS, SHOPPER_DAYS, SHOPPERS, SUMMED
from streams.collect.numbered import Numbered

_AT = {name: at for at, name in enumerate(SUMMED)}
_RATIOS = tuple((_AT[above], _AT[below]) for above, below in RATIOS)
_N, _FIRST, _SQUARES, _PRODUCTS = 0, 1, 1 + len(SUMMED), 1 + 2 * len(SUMMED)
_PAIR, _DAY, _HEAD = 0, 1, 2

GROUPS = -2
"""The number of the first group; NOWHERE is -1."""

Entry = list[int]
"""What a shopper has brought to one pair: the pair's number, the day of high when it last did, a sum for each of
SUMMED up to the last that is not 0."""


class Sums:
    """Sums by pair (an experiment's arm). What changed since the last `settle` is in `changed`, and in `pairs`.

    `groups` are pairs that are there from the start: their numbers are GROUPS, GROUPS - 1, ...
    """

    def __init__(self, limit: int, groups: Sequence[ArmCell] = ()) -> None:
        self.pairs = Numbered(limit)
        self._groups = groups
        self._sums: dict[int, list[int]] = {}
        self.changed: set[int] = set()

    def __len__(self) -> int:
        return len(self._sums)

    def grow(self, entries: list[Entry], pair: int, weight: int, amounts: Mapping[str, int], high_ms: int) -> None:
        """Count what a shopper, whose `entries` these are, brings with one decision of a pair, with its weight."""
        gains = [(_AT[name], amount * weight) for name, amount in amounts.items() if name in _AT and amount * weight]
        if not gains:
            return
        sums = self._sums.get(pair)
        if sums is None:
            sums = self._sums[pair] = [0] * len(SHOPPER_COUNTERS)
        entry = _entry(entries, pair, high_ms // DAY_MS)
        if entry is None:
            entry = [pair, 0]
            entries.append(entry)
            sums[_N] += 1
        entry[_DAY] = high_ms // DAY_MS
        before = entry[_HEAD:] + [0] * (len(SUMMED) + _HEAD - len(entry))
        after = before.copy()
        for at, amount in gains:
            after[at] = min(MOST, after[at] + amount)
        _add(sums, before, after)
        while after and not after[-1]:
            after.pop()
        entry[_HEAD:] = after
        self.changed.add(pair)

    def settle(self) -> None:
        """What changed is written down."""
        self.changed = set()
        self.pairs.settle()

    def cell(self, pair: int) -> Cell:
        """The cell of a pair."""
        return Cell(SHOPPERS, LIFE, self._groups[GROUPS - pair] if pair <= GROUPS else self.pairs.cells[pair])

    def counters(self, pair: int) -> dict[str, int]:
        """A pair's counters that are not 0."""
        return {name: count for name, count in zip(SHOPPER_COUNTERS, self._sums[pair], strict=True) if count}

    def known(self) -> Sequence[int]:
        """Every pair of which there is a sum."""
        return list(self._sums)

    def written(self, pair: int) -> list[str]:
        """A pair's sums as state keeps them: squares outgrow 64 bits."""
        return [f"{number:x}" for number in self._sums[pair]]

    def restore(self, pair: int, written: Sequence[str]) -> None:
        """Put sums back as `written` gave them."""
        self._sums[pair] = [int(number, 16) for number in written]


def forget(entries: list[Entry], high_ms: int) -> list[Entry]:
    """Those that count still: who comes back after the others' time is a new shopper to the pair."""
    oldest = high_ms // DAY_MS - SHOPPER_DAYS
    return [entry for entry in entries if entry[_DAY] >= oldest] if entries else entries


def _entry(entries: list[Entry], pair: int, today: int) -> Entry | None:
    for place, entry in enumerate(entries):
        if entry[_PAIR] == pair:
            if today - entry[_DAY] <= SHOPPER_DAYS:
                return entry
            del entries[place]
            break
    return None


def _add(sums: list[int], before: Sequence[int], after: Sequence[int]) -> None:
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            sums[_FIRST + at] += new - old
            sums[_SQUARES + at] += new * new - old * old
    for place, (above, below) in enumerate(_RATIOS):
        if after[above] and after[below]:
            sums[_PRODUCTS + place] += after[above] * after[below] - before[above] * before[below]
