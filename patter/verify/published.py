"""What collect has published: the newest entry of each cell of each source, its progress, and its sketches."""

import msgspec

from features.aggregates.records import Gathering, Written
from patter.verify.topic import TopicReader
from schemas.errors import CheckFailed, Code
from schemas.partials import PROGRESS, Partial, Progress
from streams.kafka.config import KafkaOptions
from streams.kafka.dump import DumpRecord

Entries = dict[str, tuple[int, dict[str, int]]]
"""Cell -> (through, counters)."""


class Published:
    """`patter.partials.v1` and `patter.sketches.v1`, read on with every `refresh`; by source."""

    def __init__(self, options: KafkaOptions, topic: str, sketches: str) -> None:
        self.reader, self.sketches = TopicReader(options, topic), TopicReader(options, sketches)
        self._reaches: dict[str, Gathering] = {}
        self.cells: dict[str, Entries] = {}
        self.progress: dict[str, Progress] = {}

    def refresh(self) -> None:
        """Read up to the end as it is now. Raises LackingError, CheckFailed (undecodable)."""
        for record in self.reader.read(past_cuts=True):
            self.put(record)
        for record in self.sketches.read(past_cuts=True):
            self.put_sketch(record)

    def settled(self) -> bool:
        """Whether no transaction is under way that had written before this was asked."""
        return self.reader.settled() and self.sketches.settled()

    def reach(self, source: str, since: int | None) -> Written | None:
        """A source's sketches. Where there are no records: that there is nothing since the offset `since`, or None
        where the source does not say from where on it counts.

        Raises CheckFailed (undecodable).
        """
        gathering = self._reaches.get(source)
        try:
            found = None if gathering is None else gathering.finish()
        except ValueError as error:
            raise CheckFailed(Code.UNDECODABLE, f"a sketch cannot be read: {error}", where=source) from error
        return Written(source, since) if found is None and since is not None else found

    def put_sketch(self, record: DumpRecord) -> None:
        """Take a record of sketches in, likewise."""
        source, _, rest = (record.key or b"").decode("utf-8", "replace").partition("|")
        if not Gathering.is_of(rest):
            return
        try:
            self._reaches.setdefault(source, Gathering(source)).put(rest, record.value)
        except msgspec.MsgspecError as error:
            raise _undecodable("a sketch", record, error) from error

    def put(self, record: DumpRecord) -> None:
        """Take a record in: a newer one of a key replaces the older, an empty one removes it."""
        head, _, rest = (record.key or b"").decode("utf-8", "replace").partition("|")
        try:
            if head == PROGRESS and not record.value:
                self.progress.pop(rest, None)
            elif head == PROGRESS:
                self.progress[rest] = msgspec.json.decode(record.value or b"", type=Progress)
            elif not record.value:
                self.cells.setdefault(head, {}).pop(rest, None)
            else:
                entry = msgspec.json.decode(record.value, type=Partial)
                self.cells.setdefault(head, {})[rest] = (entry.through, entry.counters)
        except msgspec.MsgspecError as error:
            raise _undecodable("a partial", record, error) from error


def _undecodable(what: str, record: DumpRecord, error: Exception) -> CheckFailed:
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return CheckFailed(Code.UNDECODABLE, f"{what} cannot be read: {error}", where=place)
