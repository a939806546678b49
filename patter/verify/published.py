"""What collect has published: the newest entry of each cell of each source, and each source's progress."""

import msgspec

from patter.verify.topic import TopicReader
from schemas.errors import CheckFailed, Code
from schemas.partials import PROGRESS, Partial, Progress
from streams.kafka.config import KafkaOptions
from streams.kafka.dump import DumpRecord

Entries = dict[str, tuple[int, dict[str, int]]]
"""Cell -> (through, counters)."""


class Published:
    """`patter.partials.v1`, read on with every `refresh`; by source."""

    def __init__(self, options: KafkaOptions, topic: str) -> None:
        self.reader = TopicReader(options, topic)
        self.cells: dict[str, Entries] = {}
        self.progress: dict[str, Progress] = {}

    def refresh(self) -> None:
        """Read up to the end as it is now. Raises LackingError, CheckFailed (undecodable)."""
        for record in self.reader.read(past_cuts=True):
            self.put(record)

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
            place = f"{record.topic}/{record.partition}/{record.offset}"
            raise CheckFailed(Code.UNDECODABLE, f"a partial cannot be read: {error}", where=place) from error
