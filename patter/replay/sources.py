"""Where records and snapshots come from: lines of a dump, or the broker."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from inference.decide.policy import Policy
from patter.files.faults import invalid
from patter.files.lines import byte_lines
from patter.settings import Settings
from patter.wiring.kafka import kafka_options, topics_of
from schemas.policies import PolicySnapshot
from streams.kafka.dump import read_topic
from streams.kafka.dump_lines import DumpRecord, parse_line

KEPT = ("policy_log.jsonl", "policy_log.jsonl.gz", "policy.jsonl", "policy.jsonl.gz")
"""What a run kept of its snapshots, the whole log first."""
KEPT_EXPERIMENTS = ("experiments.jsonl", "experiments.jsonl.gz")
"""What a run kept of its experiments. An empty file says that there were none."""

_snapshot = msgspec.json.Decoder(PolicySnapshot).decode


def dumped(path: Path, *, may_be_empty: bool = False) -> Iterator[DumpRecord]:
    """The records of a file of `topics dump` or `--keep`. Raises ConfigError (file_missing, file_invalid)."""
    empty = not may_be_empty
    for number, line in byte_lines(path):
        if line.strip():
            empty = False
            yield parse_line(line, f"{path}:{number}")
    if empty:
        raise invalid("the file has no records", path, hint="`patter topics dump` writes such files")


def published(settings: Settings, logical: str) -> Iterator[DumpRecord]:
    """What stands on a topic now, committed records only. Raises LackingError."""
    return read_topic(kafka_options(settings, "patter-replay"), topics_of(settings)[logical].name)


def records_of(settings: Settings, logical: str, kept: Path | None) -> Iterator[DumpRecord]:
    """A topic's records: from a file of dumps, which may hold other topics' too, or without one from the broker. Raises
    as `dumped` and `published` do.
    """
    if kept is None:
        return published(settings, logical)
    topic = topics_of(settings)[logical].name
    return (record for record in dumped(kept) if record.topic == topic)


def kept_beside(records: Path, names: Sequence[str]) -> Path | None:
    """The first of these files that was kept beside a file of decisions, if there is one."""
    return next((path for name in names if (path := records.parent / name).exists()), None)


def policies(records: Iterable[DumpRecord]) -> dict[int, Policy | None]:
    """Snapshots by version; None for a version under which two that differ were published.

    A record that is no snapshot is passed over: it could not have been served from either.
    """
    found: dict[int, Policy | None] = {}
    for record in records:
        try:
            snapshot = _snapshot(record.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        known = found.setdefault(snapshot.version, policy := Policy(snapshot))
        if known is not None and known is not policy and known.snapshot != snapshot:
            found[snapshot.version] = None
    return found
