"""Rows that were read lately, a bounded number of each view, absent ones included.

A hit costs about one dict look-up and two comparisons. A row leaves the cache in the order of loading: every row is
loaded anew when its time is over, so the oldest load is also the next to expire, and no hit has to move anything.
"""

from collections import OrderedDict
from collections.abc import Iterable

from msgspec.structs import replace

from schemas.ports import ViewRow

_NEVER_MS = 1 << 62

Entry = tuple[ViewRow, float, int, float]
"""(row, until when it may be used in monotonic seconds, last epoch ms at which it is fresh, when it was loaded)."""


class RowCache:
    """One view's rows. `ttl_s`: how long a row is used; `view_ttl_ms`: how long its values are fresh, 0 for ever."""

    def __init__(self, capacity: int, ttl_s: float, view_ttl_ms: int) -> None:
        self.ttl_s = ttl_s
        self._capacity, self._view_ttl_ms = capacity, view_ttl_ms
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def hits(self, keys: Iterable[str], now_s: float, now_ms: int) -> dict[str, ViewRow]:
        """The rows of those keys that may still be used."""
        get = self._entries.get
        return {
            key: entry[0] for key in keys if (entry := get(key)) is not None and entry[1] > now_s and entry[2] >= now_ms
        }

    def aged(self, key: str, now_s: float) -> ViewRow | None:
        """A row that `hits` left out only because its values have become stale since it was loaded, now marked so."""
        entry = self._entries.get(key)
        if entry is None or entry[1] <= now_s:
            return None
        row, until_s, _, loaded_s = entry
        stale = replace(row, state="stale", until_ms=0)
        self._entries[key] = (stale, until_s, _NEVER_MS, loaded_s)
        return stale

    def standby(self, key: str, now_s: float, max_stale_s: float) -> ViewRow | None:
        """An expired row that may stand in while the store fails: `stale`, however old its values are."""
        entry = self._entries.get(key)
        if entry is None or entry[0].values is None or now_s - entry[3] > max_stale_s:
            return None
        return replace(entry[0], state="stale", until_ms=0)

    def put(self, key: str, row: ViewRow, loaded_s: float) -> None:
        """Keep a row that was read at `loaded_s`."""
        entries = self._entries
        entries.pop(key, None)
        fresh_until = row.event_ms + self._view_ttl_ms if row.state == "fresh" and self._view_ttl_ms else _NEVER_MS
        entries[key] = (row, loaded_s + self.ttl_s, fresh_until, loaded_s)
        if len(entries) > self._capacity:
            entries.popitem(last=False)
