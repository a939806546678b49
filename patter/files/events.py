"""The file of events: bare ones, a line each, or records that a run kept; as bytes that go on the topic."""

from collections.abc import Iterator
from pathlib import Path

import orjson
from msgspec import Struct

from patter.files.bare import REQUIRED, of_columns, shifted, shopper_of, time_of
from patter.files.columns import Columns, FieldMap
from patter.files.faults import invalid, no_column
from patter.files.kept import kept_record
from patter.files.lines import BOM, byte_lines
from patter.files.rejects import refused
from patter.files.rows import csv_table, first_line, is_csv, json_object
from schemas.decode import Rejection, decode_event, time_ms
from schemas.events import Event
from schemas.topics import BY_LOGICAL
from streams.kafka.dump_lines import DumpRecord

# What a broker takes at most is counted with the record's own frame, key and headers; this much is kept free for them.
_FRAME_BYTES = 4_096


class EventLine(Struct, frozen=True, gc=False):
    """One record to send: the number of its line, its key (the shopper's id, None where there is none) and its bytes.

    `from_keep`: it comes from a kept record, whose key and bytes are those of the first time.
    """

    number: int
    key: bytes | None
    value: bytes | None
    from_keep: bool


class EventsFound(Struct, frozen=True, kw_only=True):
    """What a file holds: records; of these the kept ones, those that will not decode, those whose event_id stands
    further up; the bytes of all, and of the largest.
    """

    records: int
    from_keep: int
    undecodable: int
    duplicates: int
    bytes: int
    largest_bytes: int


class Reading(Struct, frozen=True, kw_only=True):
    """How a file of events is read.

    `raw` sends lines as they are, decodable or not. `now_ms` is the time of arrival that event times are held against;
    it must be the same for the check and for the sending. `shift_ms` is added to the times of bare events. `topic` is
    the one whose kept records are used.
    """

    now_ms: int
    mapping: FieldMap = FieldMap()
    raw: bool = False
    shift_ms: int = 0
    topic: str = BY_LOGICAL["events"].name
    max_bytes: int = BY_LOGICAL["events"].max_bytes


def read_events(path: Path, reading: Reading) -> Iterator[EventLine]:
    """The records of a file, one after the other.

    Raises ConfigError: file_missing; file_invalid with file:line:field and the rejection's code where a bare event does
    not decode (unless `raw`), where a record is larger than any broker takes, and where there is none at all.
    """
    return (line for line, _ in _judged(path, reading))


def check_events(path: Path, reading: Reading) -> EventsFound:
    """Read the whole file before anything of it is sent. Raises ConfigError as `read_events` does."""
    records = from_keep = undecodable = duplicates = size = largest = 0
    seen: set[int] = set()
    for line, event in _judged(path, reading):
        records += 1
        from_keep += line.from_keep
        length = len(line.value or b"")
        size += length
        largest = max(largest, length)
        if isinstance(event, Rejection):
            undecodable += 1
        else:
            # 64 bits of a hash: a file of a hundred million events meets by chance once in three thousand files.
            digest = hash(event.event_id)
            duplicates += digest in seen
            seen.add(digest)
    return EventsFound(
        records=records,
        from_keep=from_keep,
        undecodable=undecodable,
        duplicates=duplicates,
        bytes=size,
        largest_bytes=largest,
    )


def newest_time_ms(path: Path, reading: Reading) -> int | None:
    """The latest time that stands in a bare event, or None: what `shift_ms` is reckoned from to bring a file to now."""
    newest: int | None = None
    for _, found in _found(path, reading):
        moment = time_of(found) if isinstance(found, bytes) else None
        if moment is not None:
            newest = max(newest or 0, time_ms(moment))
    return newest


def _judged(path: Path, reading: Reading) -> Iterator[tuple[EventLine, Event | Rejection]]:
    columns = reading.mapping.of("events")
    most = reading.max_bytes - _FRAME_BYTES
    empty = True
    for number, found in _found(path, reading):
        empty = False
        kept = isinstance(found, DumpRecord)
        value = found.value if isinstance(found, DumpRecord) else shifted(found, reading.shift_ms)
        if len(value or b"") > most:
            raise invalid(
                f"a record of {len(value or b'')} bytes; the topic takes {most}", path, number, hint="leave it out"
            )
        event = decode_event(value, reading.now_ms)
        if isinstance(found, DumpRecord):
            key = found.key
        elif not isinstance(event, Rejection):
            key = event.user_id.encode()
        elif reading.raw:
            key = shopper_of(found)
        else:
            raise refused(event, columns, path, number)
        yield EventLine(number, key, value, kept), event
    if empty:
        raise invalid(f"the file has no events and no records of {reading.topic}", path, hint="is it the right file?")


def _found(path: Path, reading: Reading) -> Iterator[tuple[int, DumpRecord | bytes]]:
    """Line by line: a kept record, or the bytes of a bare event before their time is moved."""
    columns = reading.mapping.of("events")
    if _csv(path, reading):
        yield from _from_csv(path, columns)
        return
    for number, line in byte_lines(path):
        kept = kept_record(line)
        if kept is not None:
            if kept.topic == reading.topic:
                yield number, kept
        elif reading.raw:
            yield number, _renamed(line, columns) if columns.names else line
        else:
            data = line.removeprefix(BOM) if number == 1 else line
            if data.strip():
                yield number, of_columns(json_object(data, path, number), columns) if columns.names else data


def _csv(path: Path, reading: Reading) -> bool:
    # Raw lines may begin with anything, so there the name alone decides.
    by_name = path.name.removesuffix(".gz").rpartition(".")[2].casefold() in ("csv", "tsv")
    return by_name if reading.raw else is_csv(path, first_line(path))


def _from_csv(path: Path, columns: Columns) -> Iterator[tuple[int, bytes]]:
    table = csv_table(path)
    for field in REQUIRED:
        if table.columns is not None and not columns.has(table.columns, field):
            raise no_column(field, columns.column(field), table.columns, path, table.header)
    for row in table.rows:
        yield row.number, of_columns(row.values, columns)


def _renamed(line: bytes, columns: Columns) -> bytes:
    """A raw line with its fields renamed, or the line as it is where it is no object."""
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line
    return of_columns(values, columns) if isinstance(values, dict) else line
