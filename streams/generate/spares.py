"""Keys that have a text and want more: written for when nobody waits for anything else."""

from collections import deque
from collections.abc import Mapping, Sequence

from inference.decide.facts import Facts
from schemas.copy import CopyRequest, PoolEntry
from streams.generate.entries import Entries
from streams.generate.write import Lacking

# As many as the engine writes side by side by default: more would keep a shopper's request waiting for a second batch.
STRETCH = 32


class Spares:
    """What this worker was asked for lately and has fewer texts for than are wanted, in the order of asking.

    It knows a key's recipe from the request alone, so after a restart a key waits for its next request.
    """

    def __init__(self, candidates: int, tries: int) -> None:
        self._candidates, self._tries = candidates, tries
        self._due: deque[tuple[CopyRequest, int]] = deque()
        self._taken: list[tuple[CopyRequest, int]] = []

    def want(self, requests: Sequence[CopyRequest], entries: Sequence[PoolEntry]) -> None:
        """Of these requests those whose key has an entry now are wanted more of."""
        written = {entry.key() for entry in entries}
        if self._candidates > 1:
            self._due.extend((request, 0) for request in requests if request.key() in written)

    def refill(self, requests: Sequence[CopyRequest]) -> None:
        """These have lost a text and keep others: they are wanted more of, each once."""
        known = {request.key() for request, _ in self._due}
        self._due.extend((request, 0) for request in requests if request.key() not in known)

    def due(self) -> bool:
        """Whether any key wants more."""
        return bool(self._due)

    def take(self, pool: Entries, catalogue: Mapping[str, Facts]) -> list[Lacking]:
        """The next keys that still want more, with what they have. `done` or `again` has to follow."""
        found: list[Lacking] = []
        while self._due and len(found) < STRETCH:
            request, turn = self._due.popleft()
            self._taken.append((request, turn))
            facts, entry = catalogue.get(request.product_id), pool.entry(request.key())
            if facts is not None and entry is not None and len(entry.candidates) < self._candidates:
                found.append(Lacking(request, facts, tuple(entry.candidates), f"more.{turn}."))
        return found

    def done(self, pool: Entries) -> None:
        """What was taken is published; what still lacks texts comes again, a few times."""
        for request, turn in self._taken:
            entry = pool.entry(request.key())
            if entry is not None and len(entry.candidates) < self._candidates and turn + 1 < self._tries:
                self._due.append((request, turn + 1))
        self._taken = []

    def again(self) -> None:
        """What was taken never happened."""
        self._due.extendleft(reversed(self._taken))
        self._taken = []

    def forget(self) -> None:
        """Somebody else may write for these keys now."""
        self._due.clear()
        self._taken = []
