"""The reach of one source: who was reached and what brought it, by day and in all. No clock, no I/O.

What is known is a function of the entries that were taken, in their order: not of batches, restarts, or of when
sketches were written.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from features.aggregates.distinct import Distinct
from features.aggregates.top import Top
from schemas.sketches import ALL_TIME, DISTINCT, KINDS, SHOPPER_KINDS, TOP, Entry, Name, is_over


class _Feed(NamedTuple):
    """Where entries of one kind and day go."""

    products: list[Callable[[int, int], None]]
    shoppers: list[Callable[[int], None]]


class Reach:
    """The sketches of a source. What has changed since the last `written` is in `changed`.

    A sketch is bytes until something is added to it, and bytes again when it was written.
    """

    def __init__(self) -> None:
        self._bytes: dict[Name, bytes] = {}
        self._distinct: dict[Name, Distinct] = {}
        self._top: dict[Name, Top] = {}
        self.changed: set[Name] = set()

    def take(self, entries: Iterable[Entry]) -> None:
        """Count what events brought. Raises ValueError where a sketch's bytes are none."""
        feeds: dict[tuple[int, int], _Feed] = {}
        for kind, day, product, amount, shopper in entries:
            feed = feeds.get((kind, day))
            if feed is None:
                feed = feeds[kind, day] = self._feed(KINDS[kind], day)
            for add_amount in feed.products:
                add_amount(product, amount)
            for add in feed.shoppers:
                add(shopper)

    def expire(self, high_ms: int) -> list[Name]:
        """Drop the sketches whose day is kept no longer; answers which."""
        gone = [name for name in self.names() if is_over(name.day, high_ms)]
        for name in gone:
            for held in (self._bytes, self._distinct, self._top):
                held.pop(name, None)
        self.changed.difference_update(gone)
        return gone

    def names(self) -> Sequence[Name]:
        """Every sketch that there is."""
        return sorted({*self._bytes, *self._distinct, *self._top})

    def distinct(self, name: Name) -> Distinct:
        """One of shoppers, an empty one where there is none. Raises ValueError where its bytes are none."""
        return self._distinct.get(name) or Distinct(self._bytes.get(name))

    def top(self, name: Name) -> Top:
        """One of products, likewise."""
        return self._top.get(name) or Top(self._bytes.get(name))

    def data(self, name: Name) -> bytes:
        """A sketch as bytes."""
        return (self.distinct(name) if name.what == DISTINCT else self.top(name)).data()

    def put(self, name: Name, data: bytes) -> None:
        """A sketch as bytes, in the place of what was there."""
        self._bytes[name] = data
        self._distinct.pop(name, None)
        self._top.pop(name, None)

    def written(self) -> Iterator[tuple[Name, bytes]]:
        """What changed, as bytes. It has not changed any more after that."""
        for name in sorted(self.changed):
            data = self.data(name)
            self.put(name, data)
            yield name, data
        self.changed = set()

    def _feed(self, kind: str, day: int) -> _Feed:
        days = [ALL_TIME] if day == ALL_TIME else [ALL_TIME, day]
        feed = _Feed([], [])
        for each in days:
            name = Name(TOP, kind, each)
            top = self._top[name] = self.top(name)
            feed.products.append(top.add)
            self.changed.add(name)
            if kind in SHOPPER_KINDS:
                name = Name(DISTINCT, kind, each)
                distinct = self._distinct[name] = self.distinct(name)
                feed.shoppers.append(distinct.add)
                self.changed.add(name)
        return feed
