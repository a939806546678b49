"""The row cache against a model, step by step: same hits, never more than its bound."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from features.store.cache import RowCache
from schemas.ports import ViewRow

CAPACITY, TTL_S, VIEW_TTL_MS = 3, 10, 5_000
KEYS = st.sampled_from("abcde")


class CacheMachine(RuleBasedStateMachine):
    """The model is a list of (key, row, loaded), the oldest load first."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = RowCache(CAPACITY, TTL_S, VIEW_TTL_MS)
        self.model: list[tuple[str, ViewRow, float]] = []
        self.now_s = 0

    @property
    def now_ms(self) -> int:
        return 1_000_000 + self.now_s * 1000

    @rule(key=KEYS, age_s=st.integers(0, 8), there=st.booleans())
    def put(self, key: str, age_s: int, there: bool) -> None:
        event_ms = self.now_ms - age_s * 1000
        state = "fresh" if age_s * 1000 <= VIEW_TTL_MS else "stale"
        row = ViewRow(state, {"x": event_ms}, event_ms, b"") if there else ViewRow("missing", None, 0, b"{}")  # type: ignore[arg-type]
        self.cache.put(key, row, self.now_s)
        self.model = [entry for entry in self.model if entry[0] != key] + [(key, row, self.now_s)]
        del self.model[:-CAPACITY]

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self.now_s += seconds

    @rule(keys=st.sets(KEYS, min_size=1))
    def look(self, keys: set[str]) -> None:
        found = self.cache.hits(keys, self.now_s, self.now_ms)
        for key in keys - set(found):
            aged = self.cache.aged(key, self.now_s)
            if aged is not None:
                found[key] = aged
        expected = {}
        for key, row, loaded in self.model:
            if key in keys and self.now_s - loaded < TTL_S:
                old = row.values is not None and self.now_ms - row.event_ms > VIEW_TTL_MS
                expected[key] = "stale" if old else row.state
        assert {key: row.state for key, row in found.items()} == expected

    @rule(key=KEYS, limit_s=st.integers(0, 20))
    def stand_in(self, key: str, limit_s: int) -> None:
        row = self.cache.standby(key, self.now_s, limit_s)
        known = [(kept, loaded) for name, kept, loaded in self.model if name == key and kept.values is not None]
        if known and self.now_s - known[0][1] <= limit_s:
            assert row is not None
            assert (row.state, row.values) == ("stale", known[0][0].values)
        else:
            assert row is None

    @invariant()
    def is_bounded(self) -> None:
        assert len(self.cache) == len(self.model) <= CAPACITY


TestCache = CacheMachine.TestCase
TestCache.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
