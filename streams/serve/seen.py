"""The seen-set: which events are duplicates, measured in offsets.

An event at offset o is a duplicate where its id stands at an offset in [o - window, o) of the same partition. That is a
function of the log alone: a restart, a replay and a batch that is read again after an abort all judge alike. What a
batch changes can be put back until its offsets are committed.

Ids are kept in two generations, each at least a window long: the elder is dropped whole when the younger has grown to a
window. That forgets late, which the offsets make up for, and touches no id a second time to forget it.

One partition's ids exist twice, see native.py.
"""

import os
from collections.abc import Mapping
from typing import Protocol

from streams.serve import native

# Before every offset there is: an id that has not stood anywhere.
_NOWHERE = -1


# Of the hash by which the compiled seen-set knows an id. Nobody who sends ids may know it; answers do not depend on it.
_SECRET = os.urandom(16)


class Seen(Protocol):
    """One partition's ids and where each last stood."""

    def __len__(self) -> int: ...

    def judge(self, offset: int, event_id: str, /) -> bool:
        """Whether the event at `offset` is a duplicate; it is taken note of either way, until `commit` or `forget`."""
        ...

    def put(self, offset: int, event_id: str, /) -> None:
        """An id that stands on the log before the first record to be judged."""
        ...

    def commit(self) -> None:
        """What was judged counts."""
        ...

    def forget(self) -> None:
        """What was judged never was."""
        ...


class SeenIds:
    """The seen-set in Python."""

    __slots__ = ("_base", "_changes", "_elder", "_kept", "_last", "_settled", "_window", "_young")

    def __init__(self, window: int) -> None:
        self._window = window
        self._elder: dict[str, int] = {}
        self._young: dict[str, int] = {}
        self._base = self._last = self._kept = _NOWHERE
        # How many ids of `young` are settled: those behind them were put in by the batch under judgement.
        self._settled = 0
        self._changes: list[tuple[str, int]] = []

    def __len__(self) -> int:
        return len(self._young) + len(self._elder)

    def judge(self, offset: int, event_id: str, /) -> bool:
        """See Seen."""
        self._last = offset
        young = self._young
        stood = young.setdefault(event_id, offset)
        if stood == offset:
            return self._elder.get(event_id, _NOWHERE) >= max(0, offset - self._window)
        young[event_id] = offset
        self._changes.append((event_id, stood))
        return offset - self._window <= stood < offset

    def put(self, offset: int, event_id: str, /) -> None:
        """See Seen."""
        self._young[event_id] = self._last = offset
        self.commit()

    def commit(self) -> None:
        """See Seen."""
        self._changes.clear()
        self._kept = self._last
        if self._base == _NOWHERE:
            self._base = self._last
        if self._last - self._base >= self._window:
            self._elder, self._young, self._base = self._young, {}, self._last + 1
        self._settled = len(self._young)

    def forget(self) -> None:
        """See Seen."""
        for event_id, stood in reversed(self._changes):
            self._young[event_id] = stood
        self._changes.clear()
        self._last = self._kept
        # A dict keeps its keys in the order in which they came.
        while len(self._young) > self._settled:
            self._young.popitem()


def seen_ids(window: int) -> Seen:
    """The faster seen-set that there is, for one partition and a window of so many offsets."""
    made: Seen = native.module.SeenIds(window, _SECRET) if native.compiled() else SeenIds(window)
    return made


class SeenSet:
    """The ids of each partition's window; at most twice as many are remembered."""

    def __init__(self, window: int) -> None:
        self._window = window
        self.partitions: dict[int, Seen] = {}

    def start(self, partition: int) -> None:
        """Begin a partition with an empty window; what stood in it is put in by `remember`."""
        self.partitions[partition] = seen_ids(self._window)

    def stop(self, partition: int) -> None:
        """Forget a partition."""
        self.partitions.pop(partition, None)

    def remember(self, partition: int, offset: int, event_id: str) -> None:
        """An id that stands on the log before the first record to be judged."""
        self.partitions[partition].put(offset, event_id)

    def judge(self, partition: int, offset: int, event_id: str) -> bool:
        """See Seen."""
        return self.partitions[partition].judge(offset, event_id)

    def commit(self) -> None:
        """The judged batch counts."""
        for ids in self.partitions.values():
            ids.commit()

    def forget(self) -> None:
        """The judged batch never was."""
        for ids in self.partitions.values():
            ids.forget()

    def sizes(self) -> Mapping[int, int]:
        """How many ids each partition holds."""
        return {partition: len(ids) for partition, ids in self.partitions.items()}
