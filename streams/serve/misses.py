"""Which misses are asked for: each key once a minute per worker, however many shoppers miss it."""

# Keys remembered at most; past that the oldest minute is forgotten and asked for again, which generate coalesces.
MAX_KEYS = 200_000


class Misses:
    """Remembers when a key was last asked for. What a batch asks counts only once the batch does."""

    def __init__(self, quiet_ms: int) -> None:
        self._quiet_ms = quiet_ms
        self._asked: dict[tuple[str, str, str], int] = {}
        self._pending: dict[tuple[str, str, str], int] = {}

    def ask(self, place: tuple[str, str, str], now_ms: int) -> bool:
        """Whether to ask for this key now."""
        if place in self._pending:
            return False
        last = self._asked.get(place)
        if last is not None and now_ms - last < self._quiet_ms:
            return False
        self._pending[place] = now_ms
        return True

    def commit(self) -> None:
        """What was asked for stands on the topic."""
        if len(self._asked) + len(self._pending) > MAX_KEYS:
            self._asked.clear()
        self._asked.update(self._pending)
        self._pending = {}

    def forget(self) -> None:
        """What was asked for was rolled back."""
        self._pending = {}
