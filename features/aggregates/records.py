"""A source's reach as records of `patter.sketches.v1`, and back again.

Sketches of frequent items change with every event and take some ten kilobytes each; a batch takes some forty bytes an
entry. So a batch is written as the entries that it counted, and the sketches only when so many have come together that
writing them whole costs no more than what they stand for.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from features.aggregates.reach import Reach
from schemas.sketches import COUNTED, DISTINCT, TOP, Entry, Name, Sketch, Stretch, sketch_key, stretch_key

V = TypeVar("V")
NOWHERE = -1
# Seven sketches in two buckets take some 160 KB, ten thousand entries 350 KB: where many come, writing sketches doubles
# nothing. It also keeps a stretch well below the megabyte that brokers take.
MOST_ENTRIES = 10_000
# Where few come, batches of one event each: 160 KB every four minutes at a batch a second.
MOST_STRETCHES = 256

Change = tuple[bytes, bytes | None]
"""Key and value of a record; no value removes the key."""

_encode = msgspec.json.Encoder().encode
_sketch = msgspec.json.Decoder(Sketch)
_stretch = msgspec.json.Decoder(Stretch)


class Written:
    """A source's reach and what is on the topic of it.

    It counts from the offset `since`; `through` is the last offset of which the topic knows, `high_ms` the greatest
    event time by then.
    """

    def __init__(self, source: str, since: int = 0) -> None:
        self.source, self.since = source, since
        self.through, self.high_ms = NOWHERE, 0
        self.reach = Reach()
        self._slots = self._entries = 0

    def step(self, entries: Sequence[Entry], through: int, high_ms: int) -> list[Change]:
        """Count a batch; answers its records. `through` is the batch's last offset, `high_ms` the source's high."""
        self.reach.take(entries)
        gone = self.reach.expire(high_ms)
        if not entries and not gone:
            return []
        self.through, self.high_ms = through, high_ms
        self._entries += len(entries)
        if self._slots == MOST_STRETCHES or self._entries > MOST_ENTRIES:
            changes = [self._whole(name, data) for name, data in self.reach.written()]
            self._slots = self._entries = 0
        else:
            changes = [self._counted(entries)]
            self._slots += 1
        return [*changes, *((sketch_key(self.source, name).encode(), None) for name in gone)]

    def resume(self, stretches: int, entries: int) -> None:
        """Go on behind so many stretches that the sketches on the topic do not have yet."""
        self._slots, self._entries = stretches, entries

    def _whole(self, name: Name, data: bytes) -> Change:
        value = Sketch(
            source=self.source, since=self.since, through=self.through, high_ms=self.high_ms, name=name, data=data
        )
        return sketch_key(self.source, name).encode(), _encode(value)

    def _counted(self, entries: Sequence[Entry]) -> Change:
        value = Stretch(
            source=self.source, since=self.since, through=self.through, high_ms=self.high_ms, entries=list(entries)
        )
        return stretch_key(self.source, self._slots).encode(), _encode(value)


class Gathering:
    """Makes a source's reach of its records, in whichever order those of different keys come."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._sketches: dict[str, Sketch] = {}
        self._stretches: dict[str, Stretch] = {}

    @staticmethod
    def is_of(name: str) -> bool:
        """Whether a key, after its source, is of a reach."""
        return name.partition("|")[0] in (COUNTED, DISTINCT, TOP)

    def put(self, name: str, value: bytes | None) -> None:
        """A record, by its key after the source. Newer ones of a key come later. Raises msgspec.MsgspecError."""
        if name.startswith(f"{COUNTED}|"):
            _set(self._stretches, name, None if not value else _stretch.decode(value))
        else:
            _set(self._sketches, name, None if not value else _sketch.decode(value))

    def finish(self) -> Written | None:
        """The reach as of the last record, None where there is none. Raises ValueError where a sketch is damaged."""
        # Those of an earlier `since` were lost in part, and counting began anew.
        everything: list[Sketch | Stretch] = [*self._sketches.values(), *self._stretches.values()]
        since = max((each.since for each in everything), default=0)
        sketches = [each for each in self._sketches.values() if each.since == since]
        base = max((each.through for each in sketches), default=NOWHERE)
        stretches = [each for each in self._stretches.values() if each.since == since and each.through > base]
        newest: list[Sketch | Stretch] = [*sketches, *stretches]
        if not newest:
            return None
        stretches.sort(key=lambda each: each.through)
        written = Written(self._source, since)
        written.through = max(each.through for each in newest)
        written.high_ms = max(each.high_ms for each in newest)
        for sketch in sketches:
            written.reach.put(Name(*sketch.name), sketch.data)
        for stretch in stretches:
            written.reach.take(stretch.entries)
        written.reach.expire(written.high_ms)
        written.resume(len(stretches), sum(len(each.entries) for each in stretches))
        return written


def _set(table: dict[str, V], key: str, value: V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
