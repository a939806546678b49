"""What is known of every offset of the input log: a few bytes each, so that millions of events fit."""

from array import array
from collections.abc import Iterator

# The numbers stand in a byte per offset; 0 is 'not read'.
UNKNOWN, DLQ, DUPLICATE, NOT_TRIGGER, SUPPRESSED, TRIGGER = range(6)
VERDICTS = ("unknown", "dlq", "duplicate", "not_trigger", "suppressed", "trigger")

# A decision, as bits: the source of its text, whether it was overridden, whether the shopper is held out.
MODEL, TEMPLATE, NOTHING, OVERRIDDEN, HOLDOUT = 1, 2, 4, 8, 16

_PAGE = 4_096


class Page:
    """One stretch of a partition. `due_ms` is the event's Kafka timestamp, `seen_ms` when its decision was seen, -1 for
    never; `event_ids` and `decided_ids` are hashes of the id in the event and in its decision.
    """

    __slots__ = ("answers", "decided_ids", "due_ms", "event_ids", "seen_ms", "verdicts")

    def __init__(self) -> None:
        self.verdicts = bytearray(_PAGE)
        self.answers = bytearray(_PAGE)
        self.due_ms = array("q", bytes(8 * _PAGE))
        self.seen_ms = array("d", [-1.0]) * _PAGE
        self.event_ids = array("q", bytes(8 * _PAGE))
        self.decided_ids = array("q", bytes(8 * _PAGE))


class Places:
    """Pages by partition and offset; grows as places are asked for."""

    def __init__(self) -> None:
        self._pages: dict[tuple[int, int], Page] = {}

    def at(self, partition: int, offset: int) -> tuple[Page, int]:
        """The page that holds an offset, and the offset's place in it."""
        key = (partition, offset // _PAGE)
        page = self._pages.get(key)
        if page is None:
            page = self._pages[key] = Page()
        return page, offset % _PAGE

    def __iter__(self) -> Iterator[tuple[int, int, Page]]:
        """(partition, first offset, page) in order."""
        for (partition, number), page in sorted(self._pages.items(), key=lambda item: item[0]):
            yield partition, number * _PAGE, page
