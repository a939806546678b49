"""A line of `--keep` or `topics dump`: a record as it stood on a topic, from which its bytes come back unchanged."""

import msgspec
from msgspec import Struct


class KeptRecord(Struct, frozen=True):
    """What is used of a kept line."""

    topic: str
    key: bytes | None
    value: bytes | None


class _Line(Struct):
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str | None = None
    key_base64: bytes | None = None
    value: str | None = None
    value_base64: bytes | None = None


_decoder = msgspec.json.Decoder(_Line)
# What no bare event has side by side, and every kept line has; asked of the bytes first, because most lines are bare.
_MARKS = (b'"topic"', b'"partition"', b'"offset"', b'"timestamp_ms"')


def kept_record(line: bytes) -> KeptRecord | None:
    """The record of a kept line, or None where the line is none."""
    if not all(mark in line for mark in _MARKS):
        return None
    try:
        told = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return KeptRecord(
        told.topic,
        told.key_base64 if told.key is None else told.key.encode(),
        told.value_base64 if told.value is None else told.value.encode(),
    )
