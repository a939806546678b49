"""Sums over the shoppers of an experiment's arm. Squares do not add over buckets, so there is one cell for all time.

What a shopper has brought so far stands with the shopper; what it adds to the sums is the difference to before.
"""

from collections.abc import Mapping, Sequence

from schemas.cells import DAY_MS, LIFE, OTHERS, ArmCell, Cell
from schemas.shopper_sums import (
    BEFORE,
    HELD_OUT,
    MOST,
    RATIOS,
    SHOPPER_COUNTERS,
    SHOPPER_DAYS,
    SHOPPERS,
    SUMMED,
    TREATED,
)
from schemas.token import code_of
from streams.collect.numbered import Numbered

_AT = {name: at for at, name in enumerate(SUMMED)}
_RATIOS = tuple((_AT[above], _AT[below]) for above, below in RATIOS)
_N, _FIRST, _SQUARES, _PRODUCTS = 0, 1, 1 + len(SUMMED), 1 + 2 * len(SUMMED)
_BEFORE = _PRODUCTS + len(RATIOS)
_BY_BEFORE = _BEFORE + 2 * len(BEFORE) + 1
_PAIR, _DAY, _HEAD = 0, 1, 2
_SLOTS = len(SUMMED) + len(BEFORE)
# Where the sums stand in an entry that tell of the shopper to experiments that come after.
_TELLING = tuple(_HEAD + _AT[name] for name in BEFORE.values())
_BY_INTENT = frozenset(map(code_of, (HELD_OUT, TREATED)))

GROUPS = -2
"""The number of the first group; NOWHERE is -1."""

Entry = list[int]
"""What a shopper has brought to one pair: the pair's number, the day of high when it last did, a sum for each of
SUMMED, and each of BEFORE, up to the last that is not 0. One of before BEFORE was kept reads as one of whom nothing
was known.
"""


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
        today = high_ms // DAY_MS
        entry = _entry(entries, pair, today)
        if entry is None:
            entry = [pair, today, *[0] * len(SUMMED), *self._before(entries, pair, today)]
            entries.append(entry)
            _begin(sums, entry[-len(BEFORE) :])
        entry[_DAY] = today
        old = entry[_HEAD:] + [0] * (_SLOTS + _HEAD - len(entry))
        new = old.copy()
        for at, amount in gains:
            new[at] = min(MOST, new[at] + amount)
        _add(sums, old, new)
        while new and not new[-1]:
            new.pop()
        entry[_HEAD:] = new
        self.changed.add(pair)

    def _before(self, entries: list[Entry], pair: int, today: int) -> list[int]:
        """What a shopper has brought to pairs of other experiments, as far as it is remembered."""
        own, found = self._experiment(pair), [0] * len(BEFORE)
        if own is None:
            return found
        for entry in entries:
            if today - entry[_DAY] <= SHOPPER_DAYS and self._experiment(entry[_PAIR]) not in (None, own):
                for place, at in enumerate(_TELLING):
                    found[place] += entry[at] if at < len(entry) else 0
        return [min(MOST, amount) for amount in found]

    def _experiment(self, pair: int) -> int | None:
        """The experiment of a pair. None where it may be any one, and of pairs by intent to treat: a shopper's first
        order may come long after the arm had an effect."""
        if pair < 0 or (cell := self.pairs.cells[pair]) == OTHERS or cell.variant in _BY_INTENT:
            return None
        return cell.experiment

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
        """Put sums back as `written` gave them; an older state has fewer."""
        sums = [int(number, 16) for number in written]
        self._sums[pair] = sums + [0] * (len(SHOPPER_COUNTERS) - len(sums))


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


def _begin(sums: list[int], known: Sequence[int]) -> None:
    """A shopper more, of whom so much was known before."""
    impressions, clicks = known
    for at, gain in enumerate((impressions, clicks, impressions * impressions, clicks * clicks, impressions * clicks)):
        sums[_BEFORE + at] += gain
    sums[_N] += 1


def _add(sums: list[int], old: Sequence[int], new: Sequence[int]) -> None:
    """A shopper's sums are `new` where they were `old`; both end with what was known before."""
    known = new[len(SUMMED) :]
    for at in range(len(SUMMED)):
        if gain := new[at] - old[at]:
            sums[_FIRST + at] += gain
            sums[_SQUARES + at] += new[at] * new[at] - old[at] * old[at]
            for place, amount in enumerate(known):
                sums[_BY_BEFORE + place * len(SUMMED) + at] += gain * amount
    for place, (above, below) in enumerate(_RATIOS):
        if new[above] and new[below]:
            sums[_PRODUCTS + place] += new[above] * new[below] - old[above] * old[below]
