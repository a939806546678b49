"""Actions of a log as they are sent once more: in the order of their times, at so many times their own pace.

After MerRec's replay of typed actions by event time (arXiv 2402.14230). No clock, no I/O.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from patter.files.kept import kept_record
from patter.replay.inputs import EPOCH
from patter.replay.times import Times
from schemas.decode import parse
from streams.kafka.dump_lines import DumpRecord


class Action(Struct, frozen=True, gc=False):
    """One action: its time in microseconds, its record's in ms (-1 where it came from none), its shopper, its bytes."""

    time_us: int
    record_ms: int
    key: bytes | None
    value: bytes


class Due(Struct, frozen=True, gc=False):
    """One record to send `at_s` seconds after the start, with Kafka timestamp `timestamp_ms` (0: that of sending)."""

    at_s: float
    key: bytes | None
    value: bytes
    timestamp_ms: int


def action_of(record: DumpRecord) -> Action | None:
    """The action in a record, or None where it is none of `schemas.events`."""
    found = _time_us(record.value)
    return None if found is None else Action(found, record.timestamp_ms, record.key, record.value or b"")


def action_in(line: bytes) -> Action | None:
    """The action in a line of a file, a kept record's or a bare event's; None where there is none."""
    kept = kept_record(line)
    if kept is not None:
        return action_of(kept)
    found = _time_us(line)
    return None if found is None else Action(found, -1, parse(line).user_id.encode(), line)


def ordered(actions: Iterable[Action]) -> list[Action]:
    """By time; those of one time as they came."""
    return sorted(actions, key=_time)


def schedule(actions: list[Action], speed: float, times: Times, start_ms: int) -> Iterator[Due]:
    """When each of the ordered actions is due, and as what. With `speed` 0 all are due at once.

    Shifted, an action's time is the moment at which it is due, as if it happened then; where all are due at once they
    keep their distances and the last happens at the start. Kept, the record's Kafka timestamp is that of the first
    time too, so that nobody takes it for late.
    """
    if not actions:
        return
    first, last = actions[0].time_us, actions[-1].time_us
    for action in actions:
        at_s = (action.time_us - first) / 1_000_000 / speed if speed else 0.0
        if times is Times.KEEP:
            stamp = action.record_ms if action.record_ms > 0 else max(0, action.time_us // 1000)
            yield Due(at_s, action.key, action.value, stamp)
        else:
            moment_ms = start_ms + round(at_s * 1000) if speed else start_ms + (action.time_us - last) // 1000
            yield Due(at_s, action.key, _moved(action, moment_ms), 0)


def _moved(action: Action, moment_ms: int) -> bytes:
    fields: dict[str, Any] = orjson.loads(action.value)
    moment = EPOCH + timedelta(milliseconds=moment_ms)
    fields["time"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps(fields)


def _time_us(value: bytes | None) -> int | None:
    """The time of what is an event, whenever it happened: an old log is as good as a new one."""
    try:
        found = (parse(value or b"").time - EPOCH) // timedelta(microseconds=1)
        # A decision repeats its event's members, and is no action for that.
        return found if _decided(value or b"").decision_id is None else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return None


class _Decided(Struct):
    decision_id: object = None


_decided = msgspec.json.Decoder(_Decided).decode


def _time(action: Action) -> int:
    return action.time_us
