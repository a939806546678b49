"""The cells that a worker holds, which of them are to be published, and how fresh they are.

Every cell belongs to the partition that its records come from. A partition that is assigned is read from its beginning
and begins empty, so nothing is left of what was removed while another worker, or none, had it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, MutableMapping
from typing import NamedTuple

import msgspec

from schemas.cells import COPY, cell_of
from schemas.partials import PROGRESS, Partial, Progress
from streams.learn.cells import Value, apply, named_codes, without
from streams.learn.names import Names

_TEXTS = f"{COPY}|"
_partial = msgspec.json.Decoder(Partial)
_progress = msgspec.json.Decoder(Progress)


class Change(NamedTuple):
    """A cell to be published, with the partition that it belongs to. An empty value: no source counts it any more."""

    cell: str
    partition: int
    value: Value


class Held:
    """Cells by text in a table (a Faust Table or a dict), used by one thread. `outcomes` counts records.

    `forget` takes a cell out of the table outside of its stream, which a Table's own `del` does not allow.
    """

    def __init__(self, table: MutableMapping[str, Value], forget: Callable[[str], object] | None = None) -> None:
        self._table = table
        self._forget = forget or (lambda cell: table.pop(cell, None))
        self._cells: dict[int, set[str]] = {}
        self._dirty: dict[str, int] = {}
        self._unnamed: dict[int, dict[str, int]] = {}
        self.outcomes: Counter[str] = Counter()
        self.newest_ms: int | None = None

    def __len__(self) -> int:
        return sum(len(cells) for cells in self._cells.values())

    def assign(self, partitions: Iterable[int]) -> None:
        """Begin anew, with these partitions and nothing in them."""
        for cells in self._cells.values():
            for cell in cells:
                self._forget(cell)
        self._cells = {partition: set() for partition in partitions}
        self._dirty, self._unnamed, self.newest_ms = {}, {}, None

    def take(self, partition: int, key: bytes | None, value: bytes | None) -> str:
        """Apply a record; answers what became of it: applied, removed, progress, ignored or undecodable.

        A record of a partition that is not held any more was under way when it was lost; it is ignored.
        """
        try:
            outcome = self._take(partition, key, value) if partition in self._cells else "ignored"
        except (msgspec.MsgspecError, ValueError):
            outcome = "undecodable"
        self.outcomes[outcome] += 1
        return outcome

    def _take(self, partition: int, key: bytes | None, value: bytes | None) -> str:
        source, _, cell = (key or b"").decode().partition("|")
        if source == PROGRESS:
            if value:
                self.newest_ms = max(self.newest_ms or 0, _progress.decode(value).high_ms)
            return "progress"
        cell_of(cell)
        held = self._table.get(cell) or {}
        if value:
            partial = _partial.decode(value)
            if (partial.source, partial.cell) != (source, cell):
                raise ValueError("key and value disagree")
            changed = apply(held, partial)
            if changed is None:
                return "ignored"
        else:
            # Published again also where nothing is held: metrics may still have what was removed in our absence.
            changed = without(held, source)
        if changed:
            self._table[cell] = changed
            self._cells[partition].add(cell)
        elif held:
            del self._table[cell]
            self._cells[partition].discard(cell)
        self._dirty[cell] = partition
        return "applied" if value else "removed"

    def take_dirty(self, partitions: Collection[int], *, texts: bool = True) -> list[Change]:
        """What changed in these partitions since the last call; without `texts`, cells of single texts stay for a later
        one. What is not published after all goes `back`.
        """
        found = [
            Change(cell, place, self._table.get(cell) or {})
            for cell, place in self._dirty.items()
            if place in partitions and (texts or not cell.startswith(_TEXTS))
        ]
        for change in found:
            del self._dirty[change.cell]
        return found

    def back(self, changes: Iterable[Change]) -> None:
        """These could not be published."""
        self._dirty.update({each.cell: each.partition for each in changes if each.partition in self._cells})

    def published(self, changes: Iterable[Change], names: Names) -> None:
        """These were; remember those that lack a name."""
        for change in changes:
            if change.value:
                for code in names.lacking(named_codes(cell_of(change.cell))):
                    self._unnamed.setdefault(code, {})[change.cell] = change.partition

    def named(self, codes: Iterable[int]) -> None:
        """These codes have names now: what was published without them is published again."""
        for code in codes:
            for cell, partition in self._unnamed.pop(code, {}).items():
                if cell in self._cells.get(partition, ()):
                    self._dirty[cell] = partition
