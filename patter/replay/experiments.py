"""Which experiments ran when a decision was made, out of the topic that has every version of every one."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from inference.decide.assign import Experiment, held_out
from inference.experiment.assignment import Placement, Running
from schemas.experiments import ExperimentRecord
from streams.broadcast.experiments import Experiments
from streams.kafka.dump_lines import DumpRecord

# serve takes up what was started or stopped with its next batch, and its clock is not the publisher's. Whoever decides
# by experiments that were others a whole minute ago is not late.
NEAR_MS = 60_000
# Sets made ready, some 80 KB for each of their layers.
_MOST_READY = 32
_decode = msgspec.json.Decoder(ExperimentRecord).decode
_NOTHING = Running()


class Chosen(Struct, frozen=True):
    """The experiments that ran, the shopper's place, and how far the decision's time lies from when they ran: 0 within.

    `mode` is the experiment's, or `settings` for a shopper who is in none.
    """

    running: Running
    placement: Placement | None = None
    apart_ms: int = 0

    @property
    def mode(self) -> str:
        """How the arm comes about."""
        return "settings" if self.placement is None else self.placement.experiment.mode


class Ran:
    """The topic's records, in its order, as sets of experiments that ran one after the other.

    `records` is how many versions are at hand; None where nothing is known of experiments. `versions` has each version;
    None under which two that differ were published.
    """

    def __init__(self, own: Experiment, records: Iterable[DumpRecord] | None) -> None:
        self._own = own
        self.versions: dict[tuple[str, int], ExperimentRecord | None] = {}
        self.records: int | None = None
        self._begun_ms: list[int] = [0]
        self._sets: list[tuple[ExperimentRecord, ...]] = [()]
        self._ready: OrderedDict[int, Running] = OrderedDict({0: _NOTHING})
        if records is not None:
            self.records = 0
            self._take(records)

    def knows(self, name: str, version: int) -> bool:
        """Whether the version is at hand, or is the settings' own."""
        return (name, version) in self.versions or self._is_own(name, version)

    def ambiguous(self, name: str, version: int) -> bool:
        """Whether two records that differ have this version."""
        return self.versions.get((name, version), _ANY) is None

    def when(self, now_ms: int, user_id: str, experiment: tuple[str, int]) -> Chosen:
        """The experiments under which the shopper is in `experiment` (name, version), if they ran within a minute of
        `now_ms`, the nearest ones; else those of that moment.
        """
        if held_out(self._own, user_id):
            # Whoever the settings hold out is in none of them.
            return Chosen(self._running(self._at(now_ms)))
        first: Chosen | None = None
        for apart_ms, place in self._near(now_ms):
            running = self._running(place)
            placement = running.placement(user_id) if running else None
            found = Chosen(running, placement, apart_ms)
            if self._whose(placement) == experiment:
                return found
            first = first or found
        assert first is not None, "the first set began with time"
        return first

    def _take(self, records: Iterable[DumpRecord]) -> None:
        taken, latest_ms = Experiments(), 0
        for record in records:
            try:
                version = _decode(record.value or b"")
            except (msgspec.MsgspecError, UnicodeDecodeError):
                # serve skips it too.
                continue
            self.records = (self.records or 0) + 1
            key = (version.name, version.version)
            if self.versions.setdefault(key, version) != version:
                self.versions[key] = None
            taken.take(version)
            now = taken.started()
            # Clocks of two publishers may be apart; the topic's order is the one that serve read.
            latest_ms = max(latest_ms, record.timestamp_ms if record.timestamp_ms > 0 else version.time_ms)
            if now != self._sets[-1]:
                self._begun_ms.append(latest_ms)
                self._sets.append(now)

    def _at(self, now_ms: int) -> int:
        return max(0, bisect_right(self._begun_ms, now_ms) - 1)

    def _near(self, now_ms: int) -> Iterator[tuple[int, int]]:
        """(how far away in ms, which set), the nearest first."""
        before = self._at(now_ms)
        after = before + 1
        yield 0, before
        while True:
            back = now_ms - self._begun_ms[before] if before > 0 else NEAR_MS + 1
            on = self._begun_ms[after] - now_ms if after < len(self._sets) else NEAR_MS + 1
            if min(back, on) > NEAR_MS:
                return
            if back <= on:
                before -= 1
                yield back, before
            else:
                yield on, after
                after += 1

    def _running(self, place: int) -> Running:
        found = self._ready.pop(place, None) or Running(self._sets[place])
        self._ready[place] = found
        if len(self._ready) > _MOST_READY:
            self._ready.popitem(last=False)
        return found

    def _whose(self, placement: Placement | None) -> tuple[str, int]:
        whose = self._own if placement is None else placement.experiment
        return whose.name, whose.version

    def _is_own(self, name: str, version: int) -> bool:
        return (name, version) == (self._own.name, self._own.version)


_ANY = object()
