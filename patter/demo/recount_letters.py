"""The DLQ against what ought to stand in it: every rejected event once, with its code, key and bytes."""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from patter.demo.recount_record import Place, Record, listed
from schemas.errors import Code


class Letter(Struct, frozen=True, gc=False):
    """What has to agree: the code, and the record's key and bytes (as hashes: one of them may be 4 MB)."""

    code: str
    key: int
    value: int


def _hash(data: bytes | None) -> int:
    # Clients differ in whether an empty value comes back as empty or as none.
    return hash(data or b"")


class Letters:
    """Rejected events and dead letters, in whatever order they come."""

    def __init__(self, events_topic: str) -> None:
        self._topic = events_topic
        self._wanted: dict[Place, Letter] = {}
        self._found: dict[Place, Letter] = {}
        self._twice: list[Place] = []
        self._nameless = 0
        self.records = 0
        self.by_code: Counter[str] = Counter()

    def reject(self, record: Record, code: Code) -> None:
        """This event has to be in the DLQ."""
        place = Place(record.partition, record.offset)
        self._wanted[place] = Letter(code.value, _hash(record.key), _hash(record.value))

    def letter(self, record: Record) -> None:
        """A record of the DLQ."""
        headers = dict(record.headers)
        code = (headers.get("patter-code") or b"").decode("utf-8", "replace")
        self.records += 1
        self.by_code[code or "none"] += 1
        if (headers.get("patter-topic") or b"").decode("utf-8", "replace") != self._topic:
            return
        try:
            place = Place(int(headers.get("patter-partition") or b""), int(headers.get("patter-offset") or b""))
        except ValueError:
            self._nameless += 1
            return
        if place in self._found:
            self._twice.append(place)
        self._found[place] = Letter(code, _hash(record.key), _hash(record.value))

    def matched(self) -> int:
        """How many rejected events stand in the DLQ."""
        return len(self._wanted.keys() & self._found.keys())

    def failures(self, begin: dict[int, int], *, doubles_fail: bool) -> Iterator[str]:
        """What does not agree. Letters of events before `begin` (partition -> offset) are left aside."""
        topic, miscount = self._topic, Code.MISCOUNT.value
        found = {place: each for place, each in self._found.items() if place.offset >= begin.get(place.partition, 0)}
        lost = sorted(self._wanted.keys() - found.keys(), key=_order)
        if lost:
            yield f"{miscount}: {len(lost)} rejected events are not in the DLQ ({listed(topic, lost, len(lost))})"
        extra = sorted(found.keys() - self._wanted.keys(), key=_order)
        if extra:
            yield f"{miscount}: {len(extra)} dead letters are of good events ({listed(topic, extra, len(extra))})"
        both = sorted(self._wanted.keys() & found.keys(), key=_order)
        codes = [place for place in both if found[place].code != self._wanted[place].code]
        if codes:
            yield f"{miscount}: {len(codes)} dead letters have another code ({listed(topic, codes, len(codes))})"
        changed = [
            place
            for place in both
            if (found[place].key, found[place].value) != (self._wanted[place].key, self._wanted[place].value)
        ]
        if changed:
            yield f"{miscount}: {len(changed)} dead letters have other bytes ({listed(topic, changed, len(changed))})"
        if self._twice and doubles_fail:
            count = len(self._twice)
            yield f"{miscount}: {count} dead letters stand twice ({listed(topic, self._twice, count)})"
        if self._nameless:
            yield f"{miscount}: {self._nameless} dead letters do not say where they come from"


def _order(place: Place) -> tuple[int, int]:
    return place.partition, place.offset
