"""Which entries a person's word concerns, and what they should be then: worked off a stretch at a time.

Every worker revises the keys whose requests it reads, so that a key has one writer here too.
"""

from collections import deque
from collections.abc import Callable, Iterator

from schemas.copy import CopyKey, PoolEntry
from schemas.curation import EVERYWHERE
from streams.broadcast.curation import Changed
from streams.broadcast.states import States
from streams.generate.entries import Entries
from streams.generate.measure import Measure
from streams.generate.revise import revised

# So many are looked at between two batches of requests, so that shoppers wait no longer for them than for a batch.
STRETCH = 5_000


class Revisions:
    """Keys that have to be looked at again, in the order in which the reason came up."""

    def __init__(self, states: States, pool: Entries, owned: Callable[[CopyKey], bool]) -> None:
        self._states, self._pool, self._owned = states, pool, owned
        self._due: deque[CopyKey] = deque()
        self._taken: list[CopyKey] = []

    def everything(self) -> None:
        """Other partitions are ours now: whatever was said while nobody looked is looked at."""
        self._due = deque(key for key in self._pool.keys(lambda _: True) if self._owned(key))

    def notice(self) -> None:
        """Take note of what people have said since the last call."""
        changed = self._states.curation.take_changed()
        if changed:
            known = set(self._due)
            self._due.extend(key for key in dict.fromkeys(self._touched(changed)) if key not in known)

    def due(self) -> bool:
        """Whether anything is left to look at."""
        return bool(self._due)

    def take(self, measure: Measure) -> list[PoolEntry]:
        """The entries of the next keys that are not as they should be. `done` or `again` has to follow."""
        entries = []
        while self._due and len(self._taken) < STRETCH:
            key = self._due.popleft()
            self._taken.append(key)
            facts = self._states.catalogue.get(key.product_id)
            before = self._pool.entry(key)
            after = None if facts is None else revised(key, before, facts, self._states.curation, measure)
            if after is not None and after != before:
                entries.append(after)
        return entries

    def done(self) -> None:
        """What was taken is published."""
        self._taken = []

    def again(self) -> None:
        """What was taken never happened."""
        self._due.extendleft(reversed(self._taken))
        self._taken = []

    def _touched(self, changed: Changed) -> Iterator[CopyKey]:
        everywhere = EVERYWHERE in changed.categories
        catalogue = self._states.catalogue

        def concerned(product_id: str) -> bool:
            facts = catalogue.get(product_id)
            return facts is not None and (everywhere or facts.product.category in changed.categories)

        if changed.categories:
            yield from filter(self._owned, self._pool.keys(concerned))
        for text in changed.texts:
            yield from filter(self._owned, self._pool.holding(text))
        yield from filter(self._owned, changed.keys)
