"""Records as lines of JSON that keep every byte: what `topics dump` and `--keep` write and `--events` reads."""

import msgspec
import orjson
from msgspec import Struct

from schemas.errors import Code, ConfigError

Headers = tuple[tuple[str, bytes | None], ...]


class DumpRecord(Struct, frozen=True, gc=False):
    """One record, byte for byte. `timestamp_ms` is Kafka's (-1 where it has none)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def dump_line(record: DumpRecord) -> bytes:
    """One line of JSON, without its newline, from which `parse_line` makes the same record.

    `value` is a string where the bytes are UTF-8 (never parsed: bytes are kept exactly), else `value_base64` stands in
    its place; the key likewise. A header's value is a string, null or {"base64": ...}; a repeated name has a list.
    """
    headers: dict[str, object] = {}
    for name, value in record.headers:
        told = _header(value)
        if name not in headers:
            headers[name] = told
        else:
            before = headers[name]
            headers[name] = [*before, told] if isinstance(before, list) else [before, told]
    line = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        **_field("key", record.key),
        **_field("value", record.value),
        "headers": headers,
    }
    return orjson.dumps(line)


class _Line(Struct):
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str | None = None
    key_base64: bytes | None = None
    value: str | None = None
    value_base64: bytes | None = None
    headers: dict[str, object] = {}


class _Base64(Struct, forbid_unknown_fields=True):
    base64: bytes


_DECODER = msgspec.json.Decoder(_Line)


def parse_line(line: bytes, where: str = "") -> DumpRecord:
    """The record of a line that `dump_line` wrote. Raises ConfigError (file_invalid); `where` is file:line."""
    try:
        told = _DECODER.decode(line)
        headers: list[tuple[str, bytes | None]] = []
        for name, value in told.headers.items():
            headers += [(name, _header_bytes(each)) for each in (value if isinstance(value, list) else [value])]
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ConfigError(
            Code.FILE_INVALID, f"not a line of a topic dump: {error}", where=where, hint="see `patter topics dump`"
        ) from None
    return DumpRecord(
        told.topic,
        told.partition,
        told.offset,
        told.timestamp_ms,
        told.key_base64 if told.key is None else told.key.encode(),
        told.value_base64 if told.value is None else told.value.encode(),
        tuple(headers),
    )


def _field(name: str, value: bytes | None) -> dict[str, object]:
    if value is None:
        return {name: None}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": _base64(value)}


def _header(value: bytes | None) -> object:
    told = _field("v", value)
    return told["v"] if "v" in told else {"base64": told["v_base64"]}


def _header_bytes(value: object) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else msgspec.convert(value, _Base64).base64


def _base64(value: bytes) -> str:
    return str(msgspec.to_builtins(value))
