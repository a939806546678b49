"""Bare events: from a user's columns or paths to the fields and bytes of Patter's own events."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec
import orjson

from patter.files import cells
from patter.files.columns import FIELDS, Columns

# Numbers as times and ids mean the same here as in intake.
from streams.intake.mapping import fitted as fitted

REQUIRED = ("kind", "event_id", "user_id", "time")
_NUMBERS: Mapping[str, Callable[[object], object]] = {
    "position": cells.whole,
    "quantity": cells.whole,
    "price_minor": cells.whole,
    "lines": lambda value: orjson.loads(str(value)),
}


def of_columns(values: Mapping[str, object], columns: Columns) -> bytes:
    """An event from named values: those of a CSV row, or of a JSON object whose fields are named otherwise.

    What cannot be read as a number stays as it is, so that the decoder says which field is wrong.
    """
    fields: dict[str, object] = {}
    for field in FIELDS["events"]:
        value = cells.present(columns.find(values, field))
        if value is not None:
            fields[field] = fitted(field, _typed(field, value))
    return orjson.dumps(fields)


def _typed(field: str, value: object) -> object:
    convert = _NUMBERS.get(field)
    if convert is None or not isinstance(value, str):
        return value
    try:
        return convert(value)
    except ValueError:
        return value


def shifted(value: bytes, shift_ms: int) -> bytes:
    """The event with its time moved; unchanged where it holds none that can be read."""
    moment = time_of(value)
    if moment is None or not shift_ms:
        return value
    fields = orjson.loads(value)
    fields["time"] = (moment + timedelta(milliseconds=shift_ms)).isoformat()
    return orjson.dumps(fields)


class _Timed(msgspec.Struct):
    time: datetime


_timed = msgspec.json.Decoder(_Timed)


def time_of(value: bytes) -> datetime | None:
    """The time that stands in an event, or None; one without a zone is none."""
    try:
        moment = _timed.decode(value).time
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return moment if moment.tzinfo is not None else None


class _Named(msgspec.Struct):
    user_id: str


_named = msgspec.json.Decoder(_Named)


def shopper_of(value: bytes) -> bytes | None:
    """The key of a record that will not decode as an event: its shopper's id where it has one."""
    try:
        return _named.decode(value).user_id.encode() or None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
