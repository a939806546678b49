"""The batched reader on a store that is a dict, with time in the test's hand."""

from collections.abc import Sequence

import pytest

from features.store.breaker import StorePaused
from features.store.fetching import Fetched
from features.store.options import FeatureOptions
from features.store.paths import Found, Wanted
from features.store.plan import ViewPlan
from features.store.reader import BatchReader

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000


def plan(name: str, join_key: str, ttl_ms: int = DAY_MS, **types: str) -> ViewPlan:
    return ViewPlan(
        name=name,
        join_key=join_key,
        stored_key=join_key,
        key_type="STRING",
        types=types or {"orders": "INT64"},
        ttl_ms=ttl_ms,
        view=None,
        aliased=False,
        computed=False,
    )


PROFILE, PRODUCT = plan("profile", "user_id"), plan("product", "product_id", stock="INT64")


class Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def now_ms(self) -> int:
        return NOW_MS

    def monotonic_s(self) -> float:
        return self.s


class Store:
    """A `Fetcher` over a dict. `mode`: fine, broken (an error at once) or frozen (no answer until it thaws)."""

    name = "dict"

    def __init__(self, clock: Clock, rows: dict[str, Found]) -> None:
        self.clock, self.rows = clock, rows
        self.mode = "fine"
        self.asked: list[Wanted] = []
        self.waits: list[float] = []
        self.under_way: tuple[Wanted, float] | None = None
        self.took_s = 0.0
        self.closed = False

    @property
    def busy(self) -> bool:
        return self.under_way is not None

    def ask(self, wanted: Wanted, asked_s: float) -> None:
        assert not self.busy
        self.asked.append(wanted)
        self.under_way = wanted, asked_s

    def answer(self, limit_s: float) -> Fetched | None:
        if limit_s:
            self.waits.append(limit_s)
        if self.under_way is None:
            return None
        if self.mode == "frozen":
            self.clock.s += limit_s
            return None
        wanted, asked_s = self.under_way
        self.under_way = None
        if self.mode == "broken":
            return Fetched(wanted, None, ConnectionError("refused"), 0.001, asked_s)
        found = [{key: self.rows[view.name][key] for key in ids if key in self.rows[view.name]} for view, ids in wanted]
        return Fetched(wanted, found, None, self.took_s, asked_s)

    def close(self) -> None:
        self.closed = True

    def keys_asked(self) -> list[dict[str, Sequence[str]]]:
        return [{view.name: ids for view, ids in wanted} for wanted in self.asked]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(
        clock,
        {
            "profile": {"u1": (NOW_MS - 1, {"orders": 3}), "old": (NOW_MS - DAY_MS - 1, {"orders": None})},
            "product": {"p1": (NOW_MS - 1, {"stock": 7})},
        },
    )


def reader_of(store: Store, clock: Clock, **over: object) -> BatchReader:
    options = FeatureOptions(cache_ttl_s={"profile": 10.0, "product": 100.0}, **over)  # type: ignore[arg-type]
    return BatchReader((PROFILE, PRODUCT), store, options, clock, store)


def test_every_id_has_a_row_in_every_view_of_its_key(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    rows = reader.read({"user_id": ["u1", "nobody", "u1", "old"], "product_id": ["p1"]}, NOW_MS)
    assert {key: row.state for key, row in rows["profile"].items()} == {
        "u1": "fresh",
        "nobody": "missing",
        "old": "stale",
    }
    assert rows["profile"]["u1"].values == {"orders": 3}
    assert rows["profile"]["u1"].encoded == b'{"orders":3}'
    assert rows["profile"]["nobody"].encoded == b"{}"
    assert rows["product"]["p1"].values == {"stock": 7}
    assert reader.views == (("profile", "user_id"), ("product", "product_id"))


def test_views_of_a_key_that_is_not_given_have_no_rows(store: Store, clock: Clock) -> None:
    assert reader_of(store, clock).read({"user_id": []}, NOW_MS) == {"profile": {}, "product": {}}
    assert store.asked == []


def test_ids_are_asked_for_once_and_only_where_they_are_not_cached(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    reader.read({"user_id": ["u1", "u1"]}, NOW_MS)
    reader.read({"user_id": ["u1", "u2"], "product_id": ["p1"]}, NOW_MS)
    assert store.keys_asked() == [{"profile": ["u1"]}, {"profile": ["u2"], "product": ["p1"]}]


def test_each_view_is_read_again_after_its_own_time(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    reader.read({"user_id": ["u1", "nobody"], "product_id": ["p1"]}, NOW_MS)
    clock.s = 11.0
    reader.read({"user_id": ["u1", "nobody"], "product_id": ["p1"]}, NOW_MS)
    assert store.keys_asked()[1:] == [{"profile": ["u1", "nobody"]}]


@pytest.mark.parametrize("bad", ["", None, 5, "\ud800", b"u1"])
def test_an_id_that_cannot_be_asked_for_is_missing_and_spoils_nothing(store: Store, clock: Clock, bad: str) -> None:
    reader = reader_of(store, clock)
    rows = reader.read({"user_id": [bad, "u1"], "product_id": [bad]}, NOW_MS)
    assert rows["profile"][bad].state == "missing"
    assert rows["profile"]["u1"].state == "fresh"
    assert rows["product"][bad].state == "missing"
    assert store.keys_asked() == [{"profile": ["u1"]}]


def test_a_cached_row_is_judged_stale_when_it_is_read(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    reader.read({"user_id": ["u1"]}, NOW_MS)
    later = reader.read({"user_id": ["u1"]}, NOW_MS + DAY_MS)
    assert later["profile"]["u1"].state == "stale"
    assert len(store.asked) == 1


@pytest.mark.parametrize("mode", ["broken", "frozen"])
def test_a_failing_store_gives_error_rows_then_is_left_alone(store: Store, clock: Clock, mode: str) -> None:
    reader = reader_of(store, clock)
    store.mode = mode
    for _ in range(5):
        rows = reader.read({"user_id": ["u1", ""], "product_id": []}, NOW_MS)
        assert rows["profile"]["u1"].state == "error"
        assert rows["profile"][""].state == "missing"
    # Broken: three failures open the breaker. Frozen: the one request that never came back is not joined by others.
    assert len(store.asked) == (3 if mode == "broken" else 1)
    assert clock.s == (0.0 if mode == "broken" else 0.25)
    assert reader.stats()["errors"] == 5


def test_cached_rows_stand_in_for_a_while_and_are_called_stale(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock, max_stale_s=600.0)
    reader.read({"user_id": ["u1", "nobody"]}, NOW_MS)
    store.mode, clock.s = "broken", 11.0
    rows = reader.read({"user_id": ["u1", "nobody", "new"]}, NOW_MS)["profile"]
    assert {key: row.state for key, row in rows.items()} == {"u1": "stale", "nobody": "error", "new": "error"}
    assert rows["u1"].values == {"orders": 3}
    clock.s = 601.0
    assert reader.read({"user_id": ["u1"]}, NOW_MS)["profile"]["u1"].state == "error"


def test_rows_in_the_cache_need_no_store(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    reader.read({"user_id": ["u1"]}, NOW_MS)
    store.mode = "frozen"
    assert reader.read({"user_id": ["u1"]}, NOW_MS)["profile"]["u1"].state == "fresh"


def test_nobody_waits_for_a_probe_and_its_answer_closes_the_breaker(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    store.mode = "broken"
    for _ in range(3):
        reader.read({"user_id": ["u1"]}, NOW_MS)
    store.mode, store.waits, clock.s = "fine", [], 1.0
    assert reader.read({"user_id": ["u1"]}, NOW_MS)["profile"]["u1"].state == "error"
    assert store.waits == []
    # The probe's rows are there by now, and the store is asked again as before.
    rows = reader.read({"user_id": ["u1", "nobody"]}, NOW_MS)["profile"]
    assert rows["u1"].state == "fresh"
    assert rows["nobody"].state == "missing"


def test_a_probe_that_fails_keeps_the_breaker_open(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    store.mode = "broken"
    for _ in range(3):
        reader.read({"user_id": ["u1"]}, NOW_MS)
    clock.s = 1.0
    reader.read({"user_id": ["u1"]}, NOW_MS)
    reader.read({"user_id": ["u1"]}, NOW_MS)
    assert len(store.asked) == 4
    clock.s = 2.5
    reader.read({"user_id": ["u1"]}, NOW_MS)
    assert len(store.asked) == 5


def test_a_probe_that_is_too_slow_does_not_close_the_breaker(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    store.mode = "broken"
    for _ in range(3):
        reader.read({"user_id": ["u1"]}, NOW_MS)
    store.mode, store.took_s, clock.s = "fine", 5.0, 1.0
    reader.read({"user_id": ["u1"]}, NOW_MS)
    asked = len(store.asked)
    reader.read({"user_id": ["nobody"]}, NOW_MS)
    assert len(store.asked) == asked


def test_an_answer_that_came_too_late_is_still_used(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    store.mode = "frozen"
    assert reader.read({"user_id": ["u1"]}, NOW_MS)["profile"]["u1"].state == "error"
    store.mode = "fine"
    assert reader.read({"user_id": ["u1"]}, NOW_MS)["profile"]["u1"].state == "fresh"
    assert len(store.asked) == 1


def test_the_limit_is_the_one_of_the_settings(store: Store, clock: Clock) -> None:
    reader_of(store, clock, read_timeout_ms=40).read({"user_id": ["u1"]}, NOW_MS)
    assert store.waits == [0.04]


def test_to_pause_is_an_exception_until_the_store_is_back(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock, outage="pause")
    store.mode = "broken"
    for _ in range(4):
        with pytest.raises(StorePaused):
            reader.read({"user_id": ["u1"]}, NOW_MS)
    store.mode, clock.s = "fine", 1.0
    with pytest.raises(StorePaused):
        reader.read({"user_id": ["u1"]}, NOW_MS)
    assert reader.read({"user_id": ["u1"]}, NOW_MS)["profile"]["u1"].state == "fresh"


def test_what_was_read_is_counted(store: Store, clock: Clock) -> None:
    reader = reader_of(store, clock)
    keys = {"user_id": ["u1", "nobody", "old"], "product_id": ["p1"]}
    reader.read(keys, NOW_MS)
    reader.read(keys, NOW_MS)
    assert reader.stats() == {
        "found": 3,
        "missing": 1,
        "stale": 1,
        "null": 1,
        "errors": 0,
        "cache_hits": 4,
        "cache_misses": 4,
        "reads": 1,
        "read_seconds": 0,
    }


def test_closing_closes_the_store(store: Store, clock: Clock) -> None:
    reader_of(store, clock).close()
    assert store.closed
