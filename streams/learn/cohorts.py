"""Cohort cells of one experiment as arrays, by bucket: what the policy is fitted to.

A column is an arm of a (category, segment), a row a bucket: 24 bytes for each of both, and as many rows as collect
keeps buckets (some 25 short ones, 31 days and the sum for all time). So 50,000 cells, past which collect counts no new
ones, take 68 MB at most, and a thousand 1.4 MB. A row goes when its last cell is removed.
"""

from collections.abc import Collection, Iterable

import msgspec
import numpy as np
from msgspec import Struct

from inference.decide.buckets import Ageing, Buckets, Pair, counted
from inference.decide.delay import DelayCurve
from inference.decide.fit import Place, Tally
from schemas.cells import DAY, LIFE, OTHERS, SECOND_MS, YOUNG, ArmCell, cell_of
from streams.kafka.records import Record
from streams.learn.cells import COHORT, is_named
from streams.learn.setup import Reward

_FIRST_COLUMNS = 256


class _Counters(Struct, frozen=True):
    impressions: int = 0
    clicks: int = 0
    impressed_orders: int = 0


class _Cell(Struct, frozen=True):
    """As much of `schemas.partials.CellMetrics` as is used here: the counters of single sources are most of it."""

    experiment: str
    category: str
    segment: str
    variant: str
    counters: _Counters
    revision: int


_decode = msgspec.json.Decoder(_Cell).decode


class _Row:
    """One bucket: for each column successes, trials and the revision that they are of, -1 where there is no cell."""

    def __init__(self, columns: int) -> None:
        self.successes, self.trials = np.zeros(columns), np.zeros(columns)
        self.revisions = np.full(columns, -1, np.int64)
        self.cells = 0

    def grow(self, columns: int) -> None:
        more = columns - len(self.trials)
        self.successes = np.pad(self.successes, (0, more))
        self.trials = np.pad(self.trials, (0, more))
        self.revisions = np.pad(self.revisions, (0, more), constant_values=-1)

    def put(self, column: int, successes: int, trials: int, revision: int) -> bool:
        """Whether that is news: a lower revision is not."""
        held = int(self.revisions[column])
        if revision < held:
            return False
        news = held < 0 or (self.successes[column], self.trials[column]) != (successes, trials)
        self.cells += held < 0
        self.successes[column], self.trials[column], self.revisions[column] = successes, trials, revision
        return bool(news)

    def remove(self, column: int) -> bool:
        if self.revisions[column] < 0:
            return False
        self.cells -= 1
        self.successes[column], self.trials[column], self.revisions[column] = 0, 0, -1
        return True

    def pair(self, columns: int) -> Pair:
        return Pair(self.successes[:columns], self.trials[:columns])


class Cohorts:
    """The newest revision of every cohort cell of the experiment with this code whose names are known. One thread's.

    `arms` are those that count; None takes any. Where age plays no part (`ageing.matters`) only sums for all time are
    held. `version` counts changes.
    """

    def __init__(self, experiment: int, arms: Collection[str] | None, reward: Reward, ageing: Ageing) -> None:
        self._code, self._arms = experiment, None if arms is None else frozenset(arms)
        self._reward, self._ageing = reward, ageing
        self._columns: dict[ArmCell, int] = {}
        self._places: list[Place] = []
        self._size = _FIRST_COLUMNS
        self._rows: dict[str, _Row] = {LIFE: _Row(self._size)}
        self.version = 0
        self.skipped = 0

    def take(self, records: Iterable[Record]) -> None:
        """Apply records of `patter.metrics.v1`. One that does not decode is skipped."""
        for record in records:
            try:
                self._take((record.key or b"").decode(), record.value)
            except (msgspec.MsgspecError, ValueError):
                self.skipped += 1

    def _take(self, key: str, value: bytes | None) -> None:
        cell = cell_of(key)
        if cell.family != COHORT or cell.arm.experiment != self._code or cell.arm == OTHERS:
            return
        if cell.bucket != LIFE and not self._ageing.matters:
            return
        column = self._columns.get(cell.arm)
        if not value:
            row = self._rows.get(cell.bucket)
            if row is not None and column is not None and row.remove(column):
                self.version += 1
                if not row.cells and cell.bucket != LIFE:
                    del self._rows[cell.bucket]
            return
        found = _decode(value)
        if column is None:
            place = (found.category, found.segment, found.variant)
            if not is_named(cell.arm, (found.experiment, *place)):
                return
            if self._arms is not None and found.variant not in self._arms:
                return
            column = self._column(cell.arm, place)
        row = self._rows.get(cell.bucket)
        if row is None:
            _start_ms(cell.bucket)
            row = self._rows[cell.bucket] = _Row(self._size)
        counters = found.counters
        trials = counters.impressions
        successes = min(counters.clicks if self._reward == "click" else counters.impressed_orders, trials)
        self.version += row.put(column, successes, trials, found.revision)

    def as_of_ms(self) -> int | None:
        """The start of the newest short bucket; of a shop that has been quiet for hours, the noon of its last day.

        It is told by events and not by a clock: a log that is read again, however late and however fast, ages alike.
        """
        young, days = self._starts(YOUNG.name), self._starts(DAY.name)
        if young:
            return max(young)
        return max(days) + DAY.width_ms // 2 if days else None

    def tallies(self, as_of_ms: int | None) -> tuple[dict[Place, Tally], DelayCurve]:
        """Successes and trials by (category, segment, arm) as they count at that time, by name, and the delay curve."""
        columns = len(self._places)
        rows = {bucket: row.pair(columns) for bucket, row in self._rows.items() if bucket != LIFE}
        young = {_start_ms(bucket): pair for bucket, pair in rows.items() if bucket.startswith(f"{YOUNG.name}:")}
        days = {_start_ms(bucket): pair for bucket, pair in rows.items() if bucket.startswith(f"{DAY.name}:")}
        buckets = Buckets(young, days, self._rows[LIFE].pair(columns), YOUNG.width_ms)
        (successes, trials), curve = counted(buckets, as_of_ms or 0, self._ageing)
        found = zip(self._places, successes.tolist(), trials.tolist(), strict=True)
        # By name, so that sums over them are the same to the last bit whatever came first.
        return {place: Tally(won, tried) for place, won, tried in sorted(found) if tried > 0}, curve

    def impressions(self) -> int:
        """Of all time, over all arms."""
        return int(self._rows[LIFE].trials.sum())

    def _starts(self, name: str) -> list[int]:
        return [_start_ms(bucket) for bucket in self._rows if bucket.startswith(f"{name}:")]

    def _column(self, arm: ArmCell, place: Place) -> int:
        column = self._columns[arm] = len(self._places)
        self._places.append(place)
        if column >= self._size:
            self._size *= 2
            for row in self._rows.values():
                row.grow(self._size)
        return column


def _start_ms(bucket: str) -> int:
    """When a bucket begins. Raises ValueError for what is none."""
    name, _, start = bucket.partition(":")
    if name not in (YOUNG.name, DAY.name):
        raise ValueError(f"{bucket!r} is no bucket of a cohort")
    return int(start) * SECOND_MS
