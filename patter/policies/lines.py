"""The policy's history as people read it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from inference.decide.history import Step
from patter.policies.log import History


def utc(time_ms: int) -> str:
    """RFC 3339, to the second."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def lines(found: History) -> Iterator[str]:
    """One line a version, the oldest first; and before them what the log does not have."""
    if found.cut_before is not None:
        yield f"versions before {found.cut_before} are gone: the log's retention has taken them"
    for gap in found.gaps:
        some = f"version {gap.first} is" if gap.first == gap.last else f"versions {gap.first} to {gap.last} are"
        yield f"{some} missing in the log"
    if found.undecodable:
        yield f"{found.undecodable} records of the log are no snapshots"
    for step in found.shown:
        yield _line(step)
    if found.unlogged is not None:
        yield f"in force, and no longer in the log: {_line(found.unlogged)}"
    if not found.versions and found.unlogged is None:
        yield "no policy has been published; `patter policy set` publishes a fixed prior"
    elif len(found.shown) < found.versions:
        yield f"{len(found.shown)} of {found.versions} versions; --last 0 shows all"


def _line(step: Step) -> str:
    changes = "the version before it is gone" if step.changes is None else ", ".join(step.changes) or "nothing"
    if step.move is not None:
        at = f"{step.move.category}/{step.move.segment} {step.move.arm}"
        changes += f", most {at} {step.move.before:.4f} to {step.move.after:.4f}"
    why = step.why or "no reason given"
    return "  ".join((f"{step.version:>6}", utc(step.created_ms), f"{step.cause:<8}", step.by or "?", why, changes))
