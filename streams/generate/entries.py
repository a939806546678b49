"""The pool as its writer holds it: whole entries, standby and held texts too, and what it wrote itself a moment ago."""

from collections.abc import Callable, Iterator

from inference.generate.denied import text_key
from schemas.copy import CopyKey, PoolEntry
from streams.broadcast.pool import Pool
from streams.generate.rank import HELD


class Entries(Pool):
    """Every entry of one channel, locale and bundle by its key.

    What this worker has committed comes back from the topic later, behind records that are older than it. Until then
    the topic has nothing to tell about that key.
    """

    def __init__(self, channel: str, locale: str, bundle_sha256: str) -> None:
        super().__init__(channel, locale, bundle_sha256)
        self._entries: dict[CopyKey, PoolEntry] = {}
        self._places: dict[str, set[CopyKey]] = {}
        self._awaited: dict[CopyKey, PoolEntry] = {}

    def apply(self, key: CopyKey, entry: PoolEntry | None) -> None:
        awaited = self._awaited.get(key)
        if awaited is not None:
            if entry == awaited:
                del self._awaited[key]
            return
        self._take(key, entry)

    def wrote(self, entry: PoolEntry) -> None:
        """Take an entry that this worker has committed."""
        key = entry.key()
        self._awaited[key] = entry
        self._take(key, entry)

    def forget_own(self) -> None:
        """Somebody else may write now: the topic is right again, whatever was written here."""
        self._awaited.clear()

    def entry(self, key: CopyKey) -> PoolEntry | None:
        """The entry of a key."""
        return self._entries.get(key)

    def waits(self, key: CopyKey) -> bool:
        """Whether a text of the key waits for a person."""
        entry = self._entries.get(key)
        return entry is not None and any(candidate.state == HELD for candidate in entry.candidates)

    def holding(self, text: str) -> frozenset[CopyKey]:
        """The keys of the entries that hold a text, named by `text_key`."""
        return frozenset(self._places.get(text, ()))

    def keys(self, wanted: Callable[[str], bool]) -> Iterator[CopyKey]:
        """The keys of the products that `wanted` names."""
        return (key for key in self._entries if wanted(key.product_id))

    def _take(self, key: CopyKey, entry: PoolEntry | None) -> None:
        super().apply(key, entry)
        if key.channel != self._channel or key.locale != self._locale:
            return
        old = self._entries.pop(key, None)
        for candidate in old.candidates if old else ():
            places = self._places.get(text_key(candidate.slot_text))
            if places is not None:
                places.discard(key)
        if entry is not None and any(each.bundle_sha256 == self._bundle for each in entry.candidates):
            self._entries[key] = entry
            for candidate in entry.candidates:
                self._places.setdefault(text_key(candidate.slot_text), set()).add(key)
