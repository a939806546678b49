"""The reader against Feast's own answers, on SQLite and on a real Redis, by every way of reading."""

import math
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from features.store import FeatureOptions, open_reader
from features.store.apply import apply
from features.store.check import check
from features.store.generic import OnlineReadPath, PublicPath
from features.store.opening import open_store
from features.store.paths import Found, ReadPath
from features.store.plan import ViewPlan, resolve
from features.store.redis import RedisPath
from features.store.sqlite import SqlitePath, sqlite_file
from features.store.writer import StoreWriter
from features.views import BY_NAME

pytestmark = pytest.mark.integration

NOW_MS = 1_800_000_000_123
DAY_MS = 86_400_000
USERS = [f"u{number}" for number in range(150)]
ODD = ["ключ", "a b", 'q"uote', "x" * 200, "\x1f", "0"]


def redis_port() -> Iterator[int]:
    program = shutil.which("redis-server")
    if program is None:
        reason = "redis-server is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        server.kill()
        server.wait()


def profile(user_id: str, number: int) -> dict[str, object]:
    return {
        "user_id": user_id,
        "segment_hint": None,
        "favourite_category": ["shoes", "", 'hats "wide"\n', "höhe\u2028\x00\x1f😀"][number % 4],
        "orders_90d": [0, -1, 2**63 - 1, None][number % 4],
        "days_since_order": number,
        "avg_order_minor": number * 100,
        "currency": "EUR",
        "discount_share": [0.1, 1e-300, math.nan, None, -0.0, 1 / 3][number % 6],
        "loyalty_tier": None if number % 3 else "gold",
        "locale": "en",
        "signup_days": -number,
    }


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def options(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureOptions]:
    folder = tmp_path_factory.mktemp(f"feast-{request.param}")
    if request.param == "sqlite":
        yield filled(FeatureOptions(data_dir=str(folder)))
        return
    for port in redis_port():
        yield filled(FeatureOptions(data_dir=str(folder), store="redis", redis=f"127.0.0.1:{port}"))


def filled(options: FeatureOptions) -> FeatureOptions:
    apply(options)
    writer = StoreWriter.open(options)
    keys = USERS + ODD
    writer.write("user_profile", [profile(key, number) for number, key in enumerate(keys)], NOW_MS - 1)
    writer.write("user_activity", [{"user_id": key, "views_1h": 3} for key in keys[:50]], NOW_MS - 2)
    writer.write("user_activity", [{"user_id": key, "views_24h": 9} for key in keys[50:60]], NOW_MS - DAY_MS - 2_000)
    writer.write("product_catalog", [{"product_id": "p1", "rating": 4.5, "stock": 0}], NOW_MS - 3)
    return options


@pytest.fixture(scope="module")
def opened(options: FeatureOptions) -> tuple[Any, Any, tuple[ViewPlan, ...]]:
    store = open_store(options)
    return store, *resolve(store, options)


def fast_path(store: Any, plans: tuple[ViewPlan, ...]) -> ReadPath:
    if store.config.online_store.type == "redis":
        return RedisPath(store, plans)
    return SqlitePath(sqlite_file(store), store.config.project, plans, 1.0)


def test_every_way_of_reading_gives_what_feast_gives(opened: tuple[Any, Any, tuple[ViewPlan, ...]]) -> None:
    store, service, plans = opened
    keys = {"user_id": [*USERS, *ODD, "nobody", "u"], "product_id": ["p1", "p2"]}
    wanted = [(plan, keys[plan.join_key]) for plan in plans]
    public = PublicPath(store, service, plans).read(wanted)
    assert [len(found) for found in public] == [156, 60, 1]
    for path in (OnlineReadPath(store), fast_path(store, plans)):
        found = path.read(wanted)
        assert [whole_seconds(each) for each in found] == public, path.name
        # A second read answers from prepared statements and remembered values.
        assert path.read(wanted) == found
        path.close()
    assert fast_path(store, plans).read(wanted) == OnlineReadPath(store).read(wanted)


def whole_seconds(found: Found) -> Found:
    """Feast's public call knows seconds only."""
    return {key: (event_ms // 1000 * 1000, values) for key, (event_ms, values) in found.items()}


def test_values_come_back_as_they_were_written(options: FeatureOptions) -> None:
    reader = open_reader(options)
    keys = USERS + ODD
    rows = reader.read({"user_id": keys}, NOW_MS)["user_profile"]
    for number, key in enumerate(keys):
        expected = profile(key, number)
        del expected["user_id"]
        if isinstance(expected["discount_share"], float) and math.isnan(expected["discount_share"]):
            expected["discount_share"] = None
        assert rows[key].values == expected
        assert rows[key].state == "fresh"
    reader.close()


def test_the_fast_way_is_taken_once_it_has_agreed(options: FeatureOptions) -> None:
    reader = open_reader(options)
    assert reader.path == options.store
    reader.close()


def test_missing_and_stale_rows(options: FeatureOptions) -> None:
    reader = open_reader(options)
    rows = reader.read({"user_id": ["u1", "u55", "u99", "nobody"], "product_id": ["p1", "p2", ""]}, NOW_MS)
    activity = {key: row.state for key, row in rows["user_activity"].items()}
    # u99 has a profile and no activity: on Redis its hash is there, without the view's time.
    assert activity == {"u1": "fresh", "u55": "stale", "u99": "missing", "nobody": "missing"}
    assert {key: row.state for key, row in rows["product_catalog"].items()} == {
        "p1": "fresh",
        "p2": "missing",
        "": "missing",
    }
    assert rows["product_catalog"]["p1"].values == {
        **dict.fromkeys(BY_NAME["product_catalog"].features),
        "rating": 4.5,
        "stock": 0,
    }
    assert abs(rows["user_profile"]["u1"].event_ms - NOW_MS) < 1_000
    reader.close()


def test_one_bad_key_does_not_spoil_a_batch(options: FeatureOptions) -> None:
    reader = open_reader(options)
    bad: list[Any] = ["", None, 7, "\ud800"]
    rows = reader.read({"user_id": [*bad, "u1"], "product_id": [*bad, "p1"]}, NOW_MS)
    assert rows["user_profile"]["u1"].state == "fresh"
    assert {rows["user_profile"][key].state for key in bad} == {"missing"}
    assert reader.stats()["errors"] == 0
    reader.close()


def test_more_keys_than_one_statement_or_round_trip_takes(options: FeatureOptions) -> None:
    reader = open_reader(options)
    many = [f"nobody{number}" for number in range(3_000)] + USERS
    rows = reader.read({"user_id": many}, NOW_MS)["user_profile"]
    assert len(rows) == len(many)
    assert sum(row.state == "fresh" for row in rows.values()) == len(USERS)
    reader.close()


def test_rows_of_the_same_time_and_older_ones(options: FeatureOptions) -> None:
    writer = StoreWriter.open(options)
    for views in (1, 2):
        # Redis alone would drop the second of the same time, SQLite alone would take the third, which is older.
        assert writer.write("user_activity", [{"user_id": "w1", "views_1h": views}], NOW_MS) == 1
    assert writer.write("user_activity", [{"user_id": "w1", "views_1h": 3}], NOW_MS - 1) == 0
    assert StoreWriter.open(options).write("user_activity", [{"user_id": "w1", "views_1h": 4}], NOW_MS - 5_000) == 0
    reader = open_reader(options)
    assert (reader.read({"user_id": ["w1"]}, NOW_MS)["user_activity"]["w1"].values or {})["views_1h"] == 2
    reader.close()


def test_the_check_says_what_there_is(options: FeatureOptions) -> None:
    # Shoppers with activity and no profile: in Redis they have a key all the same.
    StoreWriter.open(options).write("user_activity", [{"user_id": f"x{n}", "views_1h": n} for n in range(200)], NOW_MS)
    report = check(options)
    assert (report.store, report.path, report.writable) == (options.store, options.store, True)
    assert [(view.name, view.join_key, view.ttl_s) for view in report.views] == [
        ("user_profile", "user_id", 30 * 86_400),
        ("user_activity", "user_id", 86_400),
        ("product_catalog", "product_id", 7 * 86_400),
    ]
    assert report.views[0].sampled == report.views[0].found == 20
