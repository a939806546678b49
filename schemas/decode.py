"""The one decoder of the input log. It alone decides what is rejected, and it is a pure function of the record.

serve, collect and verify call it with the bytes and the Kafka timestamp and nothing else, so all of them skip exactly
the same records, on the first reading and on every later one.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec
from msgspec import Struct

from schemas.errors import Code
from schemas.events import KIND_OF, Event
from schemas.topics import MAX_EVENT_BYTES

# A shop's clock may run ahead a little; more than this says that the time is wrong.
MAX_AHEAD_MS = 5 * 60_000
# Orders and refunds of offline shops arrive late; after 30 days the touches and cells they would count in are gone.
MAX_BEHIND_MS = 30 * 86_400_000

# The parser's own limit depends on how deep the caller stands on the stack; these depend on the record alone. A short
# record cannot be nested deeper than the parser can always go.
MAX_DEPTH = 64
SHORT_BYTES = 512
# A time within two minutes of its record's arrival is fine by either limit; nearly all are, and it is quickly told.
NEAR_MS = 2 * 60_000
_NEAR = timedelta(milliseconds=NEAR_MS)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WITH_PRODUCT = frozenset(kind for kind in KIND_OF if "product_id" in kind.__struct_fields__)
WITH_PRICE = frozenset(kind for kind in KIND_OF if "price" in kind.__struct_fields__)
parse: Callable[[bytes], Event] = msgspec.json.Decoder(Event).decode
"""The first half of `decode_event`, for who has the second: types and ranges, but not times, blanks, signs."""
_any = msgspec.json.Decoder()
_PATH = re.compile(r" - at `([^`]*)`$")
_STRING = re.compile(rb'"(?:[^"\\\\]|\\\\.)*"')
_FIELD = re.compile(r"field `([^`]*)`")


class Rejection(Struct, frozen=True):
    """Why a record is set aside: a code of the closed set, the field (JSON path without `$.`), and one sentence."""

    code: Code
    field: str
    detail: str


def time_ms(moment: datetime) -> int:
    """Milliseconds since the epoch."""
    delta = moment - _EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def decode_event(value: bytes | None, timestamp_ms: int) -> Event | Rejection:
    """An event, or why it is none. `timestamp_ms` is the record's Kafka timestamp; `value` its bytes, unchanged."""
    if not value:
        return Rejection(Code.EMPTY_RECORD, "", "the record has no value")
    if len(value) > SHORT_BYTES:
        if len(value) >= MAX_EVENT_BYTES:
            return Rejection(Code.TOO_LARGE, "", f"{len(value)} bytes; at most {MAX_EVENT_BYTES - 1} are read")
        if value.count(b"[") + value.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
            return Rejection(Code.UNDECODABLE, "", f"nested deeper than {MAX_DEPTH} levels")
    try:
        event = parse(value)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        return _explain(value, error)
    if event.event_id.isspace() or event.user_id.isspace():
        return Rejection(Code.EMPTY_ID, "event_id" if event.event_id.isspace() else "user_id", "the id is blank")
    kind = type(event)
    if kind in WITH_PRODUCT and (event.product_id or "x").isspace():  # type: ignore[union-attr]
        return Rejection(Code.EMPTY_ID, "product_id", "the id is blank")
    early, late = _minute(timestamp_ms // 60_000)
    if not early < event.time < late:
        moment = time_ms(event.time)
        if moment - timestamp_ms > MAX_AHEAD_MS or timestamp_ms - moment > MAX_BEHIND_MS:
            return Rejection(Code.TIME_ABSURD, "time", "more than 5 minutes after, or 30 days before, its arrival")
    if kind in WITH_PRICE and event.price is not None and _negative(event.price):  # type: ignore[union-attr]
        return Rejection(Code.NEGATIVE_AMOUNT, "price", f"{event.price!r} is below zero")  # type: ignore[union-attr]
    return event


@lru_cache(maxsize=16)
def _minute(minute: int) -> tuple[datetime, datetime]:
    """Between these two, no event that arrives in this minute since the epoch has an absurd time."""
    try:
        start = _EPOCH + timedelta(minutes=minute)
        return start - _NEAR, start + _NEAR
    except OverflowError:
        return _EPOCH, _EPOCH


def _depth(value: bytes) -> int:
    deepest = depth = 0
    for byte in _STRING.sub(b"", value):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _negative(price: float | str) -> bool:
    return price.lstrip().startswith("-") if isinstance(price, str) else price < 0


def _explain(value: bytes, error: Exception) -> Rejection:
    """Map what the decoder says to a code. Only rejected records pay for this."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return Rejection(Code.UNDECODABLE, "", text)
    try:
        _any.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Rejection(Code.UNDECODABLE, "", "not JSON in UTF-8")
    found = _PATH.search(text)
    path = found[1].removeprefix("$").removeprefix(".") if found else ""
    what = _PATH.sub("", text)
    leaf = path.rpartition(".")[2]
    if what.startswith("Object missing required field"):
        missing = _FIELD.search(what)
        field = missing[1] if missing else ""
        full = f"{path}.{field}" if path else field
        return Rejection(Code.UNKNOWN_KIND if field == "kind" else Code.MISSING_FIELD, full, what)
    if leaf == "kind":
        return Rejection(Code.UNKNOWN_KIND, "kind", what)
    if not path and what.startswith("Expected `object`"):
        return Rejection(Code.NOT_AN_OBJECT, "", what)
    if "RFC3339" in what or "timezone" in what:
        return Rejection(Code.TIME_INVALID, path, what)
    return Rejection(_range_code(leaf, what), path, what)


def _range_code(leaf: str, what: str) -> Code:
    if "of length >= 1" in what:
        return Code.EMPTY_ID if leaf != "lines" else Code.OUT_OF_RANGE
    if "of length <=" in what:
        return Code.ID_TOO_LONG
    if "`int` >= 0" in what and leaf.endswith("_minor"):
        return Code.NEGATIVE_AMOUNT
    if "`int` >=" in what or "`int` <=" in what or "of length" in what or "out of range" in what.lower():
        return Code.OUT_OF_RANGE
    return Code.WRONG_TYPE
