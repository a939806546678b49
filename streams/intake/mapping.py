"""Any JSON object to Patter's event, by a table of paths.

A path walks objects by name and lists by number (`items.0.id`); one that starts with `=` is the value itself. Ids that
come as numbers become text; times that come as numbers are read as seconds, milliseconds or microseconds, whichever
puts them in this century. Without a path for event_id the record's own place names the event, so re-reading makes none.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import orjson
from msgspec import Struct

from schemas.decode import Rejection, decode_event
from schemas.errors import Code
from schemas.events import Event

_IDS = frozenset({"event_id", "user_id", "product_id", "order_id", "refund_id", "session_id", "anonymous_id"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 4e9 s is the year 2096; the same figure in ms and us bounds the coarser readings.
_SECONDS_BELOW, _MILLIS_BELOW = 4e9, 4e12


class Mapped(Struct, frozen=True):
    """An event in Patter's own bytes, keyed by its shopper."""

    key: bytes
    value: bytes


class EventMap(Struct, frozen=True):
    """`paths`: Patter's field -> path. `kinds`: their word -> Patter's kind; where it is not empty, other words are
    none of Patter's business and ignored.
    """

    paths: Mapping[str, str]
    kinds: Mapping[str, str] = {}

    def apply(self, value: bytes | None, place: str, timestamp_ms: int) -> Mapped | Rejection | None:
        """The mapped event, why it is none, or None where its kind is not asked for."""
        if not value:
            return Rejection(Code.EMPTY_RECORD, "", "the record has no value")
        try:
            source = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            return Rejection(Code.UNDECODABLE, "", str(error))
        if not isinstance(source, dict):
            return Rejection(Code.NOT_AN_OBJECT, "", "the record is no JSON object")
        fields: dict[str, object] = {}
        for field, path in self.paths.items():
            found = walk(source, path)
            if found is not None:
                fields[field] = fitted(field, found)
        kind = fields.get("kind")
        if self.kinds:
            if kind not in self.kinds:
                return None
            fields["kind"] = self.kinds[str(kind)]
        fields.setdefault("event_id", place)
        if "user_id" not in fields:
            return Rejection(Code.UNMAPPED, "user_id", f"nothing at {self.paths.get('user_id', '(no path)')}")
        try:
            encoded = orjson.dumps(fields)
        except orjson.JSONEncodeError as error:
            return Rejection(Code.UNMAPPED, "", str(error))
        event: Event | Rejection = decode_event(encoded, timestamp_ms)
        if isinstance(event, Rejection):
            return event
        return Mapped(event.user_id.encode(), encoded)


def walk(source: object, path: str) -> object:
    """What stands at a path, or None."""
    if path.startswith("="):
        return path[1:]
    here = source
    for name in path.split("."):
        if isinstance(here, dict):
            here = here.get(name)
        elif isinstance(here, list) and name.isdigit() and int(name) < len(here):
            here = here[int(name)]
        else:
            return None
    return here


def fitted(field: str, value: object) -> object:
    """A foreign value in the type that the field has: ids as text, times as RFC 3339."""
    if isinstance(value, bool):
        return value
    if field in _IDS and isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else str(value)
    if field == "time" and isinstance(value, int | float):
        return _moment(float(value))
    if field == "time" and isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return _moment(float(value))
    return value


def _moment(number: float) -> str | float:
    scale = 1.0 if number < _SECONDS_BELOW else 1e3 if number < _MILLIS_BELOW else 1e6
    try:
        return (_EPOCH + timedelta(seconds=number / scale)).isoformat()
    except OverflowError:
        return number
