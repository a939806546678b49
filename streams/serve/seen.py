"""The seen-set: which events are duplicates, measured in offsets.

An event at offset o is a duplicate where its id stands at an offset in [o - window, o) of the same partition. That is a
function of the log alone: a restart, a replay and a batch that is read again after an abort all judge alike. A batch's
own ids are kept apart until its offsets are committed, so rolling back is forgetting.
"""

from collections import deque
from collections.abc import Mapping


class SeenSet:
    """The ids of one window per partition. Not more than `window` offsets are remembered."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._last: dict[int, dict[str, int]] = {}
        self._order: dict[int, deque[tuple[int, str]]] = {}
        self._pending: dict[int, dict[str, int]] = {}

    def start(self, partition: int) -> None:
        """Begin a partition with an empty window; what stood in it is put in by `remember`."""
        self._last[partition] = {}
        self._order[partition] = deque()

    def stop(self, partition: int) -> None:
        """Forget a partition."""
        self._last.pop(partition, None)
        self._order.pop(partition, None)

    def remember(self, partition: int, offset: int, event_id: str) -> None:
        """An id that stands on the log before the first record to be judged."""
        self._put(partition, offset, event_id)

    def judge(self, partition: int, offset: int, event_id: str) -> bool:
        """Whether the event at `offset` is a duplicate; it is taken note of either way, until `commit` or `forget`."""
        floor = offset - self._window
        pending = self._pending.setdefault(partition, {})
        stood = pending.get(event_id)
        if stood is None or not floor <= stood < offset:
            stood = self._last[partition].get(event_id)
        pending[event_id] = offset
        return stood is not None and floor <= stood < offset

    def commit(self) -> None:
        """The judged batch counts."""
        for partition, ids in self._pending.items():
            if partition in self._last:
                for event_id, offset in ids.items():
                    self._put(partition, offset, event_id)
        self._pending = {}

    def forget(self) -> None:
        """The judged batch never was."""
        self._pending = {}

    def sizes(self) -> Mapping[int, int]:
        """How many ids each partition holds."""
        return {partition: len(ids) for partition, ids in self._last.items()}

    def _put(self, partition: int, offset: int, event_id: str) -> None:
        last, order = self._last[partition], self._order[partition]
        last[event_id] = offset
        order.append((offset, event_id))
        floor = offset - self._window
        while order[0][0] < floor:
            old, name = order.popleft()
            if last.get(name) == old:
                del last[name]
