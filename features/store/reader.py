"""The batched reader behind decisions: cache, one read of the store for what is missing, and what to do without it."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import orjson
from msgspec import Struct

from features.store.breaker import Breaker, StorePaused
from features.store.cache import RowCache
from features.store.fetching import Fetched, Fetcher
from features.store.keys import sound
from features.store.options import FeatureOptions
from features.store.paths import Found
from features.store.plan import ViewPlan
from schemas.ports import Clock, FeatureValue, ViewRow

_LOG = logging.getLogger("patter.features")

EMPTY = b"{}"
MISSING = ViewRow("missing", None, 0, EMPTY)
ERROR = ViewRow("error", None, 0, EMPTY)

Rows = dict[str, ViewRow]


class Named(Protocol):
    """Something with a name."""

    @property
    def name(self) -> str: ...


class _Slot(Struct, frozen=True, eq=False):
    """One view: what is read and what was read lately."""

    plan: ViewPlan
    cache: RowCache


class BatchReader:
    """Implements `schemas.ports.FeatureReader`. Belongs to one thread.

    `stats` counts: cache_hits and cache_misses are rows asked for; found, missing and stale are rows loaded from the
    store (stale ones are found too), null those found with a null feature; errors are rows that could not be loaded,
    whether or not a cached one stood in; reads and read_seconds are what was waited for the store.
    """

    def __init__(
        self, plans: Sequence[ViewPlan], fetcher: Fetcher, options: FeatureOptions, clock: Clock, path: Named
    ) -> None:
        self.views: Sequence[tuple[str, str]] = tuple((plan.name, plan.join_key) for plan in plans)
        self.kinds = {plan.name: plan.kinds for plan in plans}
        self._path = path
        self._fetcher, self._options, self._clock = fetcher, options, clock
        self._breaker = Breaker(options.breaker_failures, options.breaker_retry_s)
        self._limit_s = options.read_timeout_ms / 1000
        self._slots = tuple(
            _Slot(plan, RowCache(options.cache_entries, options.ttl_s(plan.name), plan.ttl_ms)) for plan in plans
        )
        self._by_plan = {id(slot.plan): slot for slot in self._slots}
        self._stats = dict.fromkeys(
            ("found", "missing", "stale", "null", "errors", "cache_hits", "cache_misses", "reads", "read_seconds"), 0.0
        )
        self._failing = self._probing = False

    def read(self, keys: Mapping[str, Sequence[str]], now_ms: int) -> dict[str, Rows]:
        """Rows for every id of every view. Raises StorePaused where the outage policy is to pause."""
        now_s = self._clock.monotonic_s()
        if self._fetcher.busy:
            self._take_late(now_s, now_ms)
        distinct = {key: dict.fromkeys(ids) for key, ids in keys.items()}
        rows: dict[str, Rows] = {}
        lacking: list[tuple[_Slot, list[str]]] = []
        hits = 0
        for slot in self._slots:
            wanted = distinct.get(slot.plan.join_key, {})
            found = rows[slot.plan.name] = slot.cache.hits(wanted, now_s, now_ms)
            if len(found) != len(wanted):
                unknown = self._unknown(slot, wanted, found, now_s)
                if unknown:
                    lacking.append((slot, unknown))
            hits += len(found)
        self._stats["cache_hits"] += hits
        if lacking:
            self._load(lacking, rows, now_s, now_ms)
        return rows

    def stats(self) -> Mapping[str, float]:
        """Cumulative counters; see the class."""
        return dict(self._stats)

    @property
    def path(self) -> str:
        """The way in which the store is read now: sqlite, redis, online_read or get_online_features."""
        return self._path.name

    def close(self) -> None:
        """Give the store's connections back."""
        self._fetcher.close()

    def _unknown(self, slot: _Slot, wanted: Iterable[str], found: Rows, now_s: float) -> list[str]:
        """The ids that have to be asked for; ids that cannot be are missing, those grown stale are marked."""
        unknown = []
        for key in wanted:
            if key in found:
                continue
            if not sound(key):
                found[key] = MISSING
            elif (aged := slot.cache.aged(key, now_s)) is not None:
                found[key] = aged
            else:
                unknown.append(key)
        return unknown

    def _load(self, lacking: list[tuple[_Slot, list[str]]], rows: dict[str, Rows], now_s: float, now_ms: int) -> None:
        count = sum(len(ids) for _, ids in lacking)
        self._stats["cache_misses"] += count
        fetched = self._fetch([(slot.plan, ids) for slot, ids in lacking], now_s)
        if fetched is not None and fetched.found is not None:
            for (slot, ids), found in zip(lacking, fetched.found, strict=True):
                self._keep(slot, ids, found, fetched.asked_s, now_s, now_ms, rows[slot.plan.name])
            return
        self._stats["errors"] += count
        if self._options.outage == "pause":
            raise StorePaused(self._options.breaker_retry_s)
        max_stale_s = self._options.max_stale_s
        for slot, ids in lacking:
            into = rows[slot.plan.name]
            for key in ids:
                into[key] = slot.cache.standby(key, now_s, max_stale_s) or ERROR

    def _fetch(self, wanted: list[tuple[ViewPlan, list[str]]], now_s: float) -> Fetched | None:
        """Ask the store, unless it still owes an answer or is to be left alone; None where there is no answer."""
        state = self._breaker.state(now_s)
        if self._fetcher.busy or state == "open":
            return None
        self._fetcher.ask(wanted, now_s)
        self._probing = state == "probe"
        if self._probing:
            # Nobody waits for a probe: while the store is down it would cost the caller its limit every time.
            return None
        fetched = self._fetcher.answer(self._limit_s)
        waited_s = self._clock.monotonic_s() - now_s
        self._stats["reads"] += 1
        self._stats["read_seconds"] += waited_s
        self._judge(fetched, now_s + waited_s)
        return fetched

    def _judge(self, fetched: Fetched | None, now_s: float) -> None:
        if fetched is not None and fetched.error is None:
            self._breaker.succeeded()
            if self._failing:
                self._failing = False
                _LOG.warning("the feature store answers again")
            return
        self._breaker.failed(now_s)
        if not self._failing:
            self._failing = True
            why = f"no answer in {self._limit_s:g} s" if fetched is None else repr(fetched.error)
            _LOG.warning("the feature store fails: %s", why)

    def _take_late(self, now_s: float, now_ms: int) -> None:
        """Take the answer of a probe, or of a read that was given up, if it is there by now."""
        fetched = self._fetcher.answer(0)
        if fetched is None:
            return
        if self._probing:
            self._judge(fetched if fetched.seconds <= self._limit_s else None, now_s)
        if fetched.found is not None:
            for (plan, ids), found in zip(fetched.wanted, fetched.found, strict=True):
                self._keep(self._by_plan[id(plan)], ids, found, fetched.asked_s, now_s, now_ms, {})

    def _keep(
        self, slot: _Slot, ids: Sequence[str], found: Found, asked_s: float, now_s: float, now_ms: int, into: Rows
    ) -> None:
        """Turn what was found into rows, count them, cache them."""
        stats, put, ttl_ms = self._stats, slot.cache.put, slot.plan.ttl_ms
        oldest_ms = now_ms - ttl_ms if ttl_ms else 0
        until_ms = now_ms + int((asked_s + slot.cache.ttl_s - now_s) * 1000)
        missing = ViewRow("missing", None, 0, EMPTY, until_ms)
        stale = nulls = 0
        dumps: Callable[[dict[str, FeatureValue]], bytes] = orjson.dumps
        for key in ids:
            known = found.get(key)
            if known is None:
                row = missing
            else:
                event_ms, values = known
                if event_ms < oldest_ms and event_ms:
                    stale += 1
                    row = ViewRow("stale", values, event_ms, dumps(values), until_ms)
                else:
                    fresh_ms = min(until_ms, event_ms + ttl_ms + 1) if ttl_ms and event_ms else until_ms
                    row = ViewRow("fresh", values, event_ms, dumps(values), fresh_ms)
                if None in values.values():
                    nulls += 1
            into[key] = row
            put(key, row, asked_s)
        stats["found"] += len(found)
        stats["missing"] += len(ids) - len(found)
        stats["stale"] += stale
        stats["null"] += nulls
