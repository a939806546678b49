"""The versions of the policy as the log has them, on the broker or in a file that was dumped."""

from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from inference.decide.history import Gap, Step, gaps, step, steps
from patter.replay.sources import dumped, published
from patter.settings import Settings
from patter.wiring.kafka import topics_of
from patter.wiring.policy import newest_policy
from schemas.errors import Code, ConfigError
from schemas.policies import PolicySnapshot

_decode = msgspec.json.Decoder(PolicySnapshot).decode


class History(Struct, frozen=True, kw_only=True):
    """What `policy history` shows: `shown` of `versions` versions, and what the log lacks.

    `cut_before` is the first version that the log still has, None where that is version 1 or there is none. `gaps` are
    the others that it does not have. `unlogged` is the version in force where the log does not have that one either.
    """

    versions: int
    shown: list[Step]
    cut_before: int | None
    gaps: list[Gap]
    unlogged: Step | None
    undecodable: int


class Log:
    """Snapshots in the order of the log. `undecodable` counts records that are none, as far as it was read."""

    def __init__(self, settings: Settings, kept: Path | None) -> None:
        self._settings, self._kept = settings, kept
        self._name = topics_of(settings)["policy_log"].name
        self.undecodable = 0

    def __iter__(self) -> Iterator[PolicySnapshot]:
        records = dumped(self._kept) if self._kept is not None else published(self._settings, "policy_log")
        for record in records:
            # A file of everything that a run kept has other topics too.
            if self._kept is not None and record.topic != self._name:
                continue
            try:
                yield _decode(record.value or b"")
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self.undecodable += 1

    def version(self, wanted: int) -> PolicySnapshot:
        """The snapshot of that version, the first where there are two. Raises ConfigError (usage)."""
        first: int | None = None
        for snapshot in self:
            if snapshot.version == wanted:
                return snapshot
            first = snapshot.version if first is None else min(first, snapshot.version)
        what = f"there is no version {wanted} in the log"
        where = "the log is empty" if first is None else f"it begins with version {first}"
        raise ConfigError(Code.USAGE, what, where=where, hint="patter policy history")


def history(settings: Settings, kept: Path | None, last: int, causes: Collection[str]) -> History:
    """The newest `last` versions (0 for all) of these causes (none for any). Raises ConfigError, LackingError."""
    log = Log(settings, kept)
    versions: list[int] = []
    shown: deque[Step] = deque(maxlen=last or None)
    for each in steps(log):
        versions.append(each.version)
        if not causes or each.cause in causes:
            shown.append(each)
    missing = gaps(versions)
    cut = missing[0].last + 1 if missing and missing[0].first == 1 else None
    newest = newest_policy(settings) if kept is None else None
    unlogged = step(None, newest) if newest is not None and newest.version not in versions else None
    return History(
        versions=len(versions),
        shown=list(shown),
        cut_before=cut,
        gaps=missing[1:] if cut is not None else missing,
        unlogged=unlogged,
        undecodable=log.undecodable,
    )
