"""How far a worker has read its partitions: whether it knows them whole, how far it is behind, whether it stands still.

`end` is asked of the broker on another connection than Faust's, so that a consumer that has silently stopped is seen.
The last offsets of a partition may be markers of transactions, which are never handed out: then the position passes
them, and no record does.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

# Faust's consumer has been seen to stop for good; half a minute of rebalancing is no such thing.
STALL_S = 90.0


class _Place(Struct):
    handled: int = -1
    position: int = -1
    end: int | None = None
    goal: int | None = None
    quiet: bool = False
    whole: bool = False
    moved_s: float = 0.0


class Reading:
    """Places by partition. Times are monotonic seconds."""

    def __init__(self, now_s: float) -> None:
        self._places: dict[int, _Place] = {}
        self._assigned = False
        self._since_s = now_s

    @property
    def partitions(self) -> tuple[int, ...]:
        """Those that are assigned."""
        return tuple(self._places)

    def assign(self, partitions: Iterable[int], now_s: float) -> None:
        """These are read from their beginning now."""
        self._places = {partition: _Place(moved_s=now_s) for partition in partitions}
        self._assigned = True

    def handled(self, partition: int, offset: int) -> None:
        """A record was applied."""
        place = self._places.get(partition)
        if place is not None:
            place.handled, place.quiet = offset, False

    def tick(self, positions: Mapping[int, int], ends: Mapping[int, int], now_s: float) -> None:
        """What Faust's consumer will fetch next, and where the partitions end; what is unknown is left out.

        A partition is whole once everything that stood in it at the first tick was applied.
        """
        for partition, place in self._places.items():
            position = positions.get(partition, place.position)
            if position != place.position:
                place.position, place.moved_s = position, now_s
            end = ends.get(partition)
            if end is not None:
                place.end = end
                place.goal = end if place.goal is None else place.goal
            if place.goal is not None and not place.whole:
                past = place.position >= place.goal and place.quiet
                place.whole = place.goal == 0 or place.handled >= place.goal - 1 or past
            if place.end is not None and place.position >= place.end:
                place.moved_s = now_s
            place.quiet = True

    def whole(self) -> frozenset[int]:
        """Partitions of which everything is known."""
        return frozenset(partition for partition, place in self._places.items() if place.whole)

    def ready(self) -> bool:
        """Whether partitions were assigned, be it none, and each is whole."""
        return self._assigned and all(place.whole for place in self._places.values())

    def lags(self) -> dict[int, int]:
        """Partition -> offsets between what was read and the end."""
        return {
            partition: max(0, place.end - max(place.handled + 1, place.position if place.quiet else 0))
            for partition, place in self._places.items()
            if place.end is not None
        }

    def stalled(self, now_s: float) -> str:
        """Why the worker should be started anew; empty while there is no reason."""
        if not self._assigned:
            return "no partitions were assigned" if now_s - self._since_s > STALL_S else ""
        still = [partition for partition, place in self._places.items() if now_s - place.moved_s > STALL_S]
        return f"partitions {still} are not read on" if still else ""
