"""The seen-set: which events are duplicates, measured in offsets.

An event at offset o is a duplicate where its id stands at an offset in [o - window, o) of the same partition. That is a
function of the log alone: a restart, a replay and a batch that is read again after an abort all judge alike. What a
batch changes is written down until its offsets are committed, so that rolling back puts everything back.
"""

from collections import deque
from collections.abc import Mapping

_Change = tuple[int, int, str, int]
# Before every offset there is: an id that has not stood anywhere.
_NOWHERE = -1


class SeenSet:
    """The ids of one window per partition. Not more than `window` offsets are remembered."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._last: dict[int, dict[str, int]] = {}
        self._order: dict[int, deque[tuple[int, str]]] = {}
        self._changes: list[_Change] = []

    def start(self, partition: int) -> None:
        """Begin a partition with an empty window; what stood in it is put in by `remember`."""
        self._last[partition] = {}
        self._order[partition] = deque()

    def stop(self, partition: int) -> None:
        """Forget a partition."""
        self._last.pop(partition, None)
        self._order.pop(partition, None)
        self._changes = [change for change in self._changes if change[0] != partition]

    def remember(self, partition: int, offset: int, event_id: str) -> None:
        """An id that stands on the log before the first record to be judged."""
        self._last[partition][event_id] = offset
        self._keep(partition, offset, event_id)

    def judge(self, partition: int, offset: int, event_id: str) -> bool:
        """Whether the event at `offset` is a duplicate; it is taken note of either way, until `commit` or `forget`."""
        last = self._last[partition]
        stood = last.get(event_id, _NOWHERE)
        last[event_id] = offset
        self._changes.append((partition, offset, event_id, stood))
        return stood != _NOWHERE and offset - self._window <= stood < offset

    def commit(self) -> None:
        """The judged batch counts."""
        for partition, offset, event_id, _ in self._changes:
            self._keep(partition, offset, event_id)
        self._changes = []

    def forget(self) -> None:
        """The judged batch never was."""
        for partition, _, event_id, stood in reversed(self._changes):
            last = self._last[partition]
            if stood == _NOWHERE:
                last.pop(event_id, None)
            else:
                last[event_id] = stood
        self._changes = []

    def sizes(self) -> Mapping[int, int]:
        """How many ids each partition holds."""
        return {partition: len(ids) for partition, ids in self._last.items()}

    def _keep(self, partition: int, offset: int, event_id: str) -> None:
        """Note when an id may be forgotten, and forget those whose time has come."""
        order = self._order[partition]
        order.append((offset, event_id))
        floor = offset - self._window
        if order[0][0] < floor:
            last = self._last[partition]
            while order[0][0] < floor:
                old, name = order.popleft()
                if last.get(name) == old:
                    del last[name]
