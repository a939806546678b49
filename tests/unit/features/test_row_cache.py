"""The row cache: what it gives back, for how long, and that it stays within its bound."""

from features.store.cache import RowCache
from schemas.ports import ViewRow

ROW = ViewRow("fresh", {"orders": 3}, 1_000_000, b'{"orders":3}')
MISSING = ViewRow("missing", None, 0, b"{}")


def cache(capacity: int = 10, ttl_s: float = 60.0, view_ttl_ms: int = 0) -> RowCache:
    return RowCache(capacity, ttl_s, view_ttl_ms)


def test_a_row_is_a_hit_until_its_time_is_over() -> None:
    rows = cache(ttl_s=60)
    rows.put("u1", ROW, 100.0)
    assert rows.hits(["u1", "u2"], 159.9, 1_000_000) == {"u1": ROW}
    assert rows.hits(["u1"], 160.0, 1_000_000) == {}


def test_that_a_row_is_missing_is_remembered_too() -> None:
    rows = cache()
    rows.put("u1", MISSING, 0.0)
    assert rows.hits(["u1"], 1.0, 5) == {"u1": MISSING}


def test_a_cached_row_grows_stale_by_the_age_of_its_values() -> None:
    rows = cache(ttl_s=60, view_ttl_ms=5_000)
    rows.put("u1", ROW, 0.0)
    assert rows.hits(["u1"], 1.0, 1_005_000)["u1"].state == "fresh"
    assert rows.hits(["u1"], 1.0, 1_005_001) == {}
    aged = rows.aged("u1", 1.0)
    assert aged is not None
    assert (aged.state, aged.values, aged.encoded) == ("stale", ROW.values, ROW.encoded)
    assert rows.hits(["u1"], 1.0, 1_005_002)["u1"].state == "stale"


def test_an_expired_row_is_loaded_anew_rather_than_marked() -> None:
    rows = cache(ttl_s=1, view_ttl_ms=5_000)
    rows.put("u1", ROW, 0.0)
    assert rows.aged("u1", 2.0) is None
    assert rows.aged("u2", 0.0) is None


def test_an_expired_row_stands_in_while_it_is_young_enough() -> None:
    rows = cache(ttl_s=1)
    rows.put("u1", ROW, 0.0)
    assert rows.standby("u1", 600.0, 600.0) == ViewRow("stale", ROW.values, ROW.event_ms, ROW.encoded)
    assert rows.standby("u1", 600.1, 600.0) is None


def test_nothing_stands_in_for_what_was_missing() -> None:
    rows = cache()
    rows.put("u1", MISSING, 0.0)
    assert rows.standby("u1", 1.0, 600.0) is None
    assert rows.standby("u2", 1.0, 600.0) is None


def test_the_row_that_was_loaded_first_leaves_first() -> None:
    rows = cache(capacity=2)
    for number, key in enumerate(("a", "b", "a", "c")):
        rows.put(key, ROW, float(number))
    assert len(rows) == 2
    assert set(rows.hits(["a", "b", "c"], 5.0, 0)) == {"a", "c"}
