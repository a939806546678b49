"""Which entries a person's word or a retirement concerns, and what they should be then: worked off a stretch at a time.

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
# Texts measured anew in a stretch, at 0.15 ms each: less than a tenth of a second.
MOST_ASKED = 500
# Scores are read with two decimals. A score that moved by less, in an entry of the same order, is no record worth.
NOTICED = 0.005


class Revisions:
    """Keys that have to be looked at again, in the order in which the reason came up."""

    def __init__(
        self, states: States, pool: Entries, owned: Callable[[CopyKey], bool], asked: Callable[[], int] = lambda: 0
    ) -> None:
        """`asked` counts up with every text that had to be measured."""
        self._states, self._pool, self._owned, self._asked = states, pool, owned, asked
        self._due: deque[CopyKey] = deque()
        self._taken: list[CopyKey] = []

    def everything(self) -> None:
        """Other partitions are ours now, or P_conv is another: whatever was said while nobody looked is looked at."""
        self._due = deque(key for key in self._pool.keys(lambda _: True) if self._owned(key))

    def notice(self) -> None:
        """Take note of what was said of copy since the last call."""
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
        most = self._asked() + MOST_ASKED
        while self._due and len(self._taken) < STRETCH and self._asked() < most:
            key = self._due.popleft()
            self._taken.append(key)
            facts = self._states.catalogue.get(key.product_id)
            before = self._pool.entry(key)
            after = None if facts is None else revised(key, before, facts, self._states.curation, measure)
            if after is not None and _worth_a_record(before, after):
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
        for text, segment in changed.retired:
            yield from (key for key in self._pool.holding(text) if key.segment == segment and self._owned(key))
        yield from filter(self._owned, changed.keys)


def _worth_a_record(before: PoolEntry | None, after: PoolEntry) -> bool:
    if before is None or len(before.candidates) != len(after.candidates):
        return True
    return any(
        (old.copy_id, old.state, old.scores.keys()) != (new.copy_id, new.state, new.scores.keys())
        or any(abs(old.scores[name] - score) >= NOTICED for name, score in new.scores.items())
        for old, new in zip(before.candidates, after.candidates, strict=True)
    )
