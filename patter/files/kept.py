"""A line of `--keep` or `topics dump` among bare events: told apart by what every such line has."""

from schemas.errors import ConfigError
from streams.kafka.dump_lines import DumpRecord, parse_line

# What no bare event has side by side, and every kept line has; asked of the bytes first, because most lines are bare.
_MARKS = (b'"topic"', b'"partition"', b'"offset"', b'"timestamp_ms"')


def kept_record(line: bytes) -> DumpRecord | None:
    """The record of a kept line, its bytes unchanged, or None where the line is none."""
    if not all(mark in line for mark in _MARKS):
        return None
    try:
        return parse_line(line)
    except ConfigError:
        return None
