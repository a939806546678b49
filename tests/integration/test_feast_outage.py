"""A store that freezes, refuses or is locked: the reader answers, says so, and recovers by itself."""

import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from features.store import FeatureOptions, StorePaused, open_reader
from features.store.apply import apply
from features.store.check import check
from features.store.folder import online_path
from features.store.reader import BatchReader
from features.store.writer import StoreWriter
from schemas.errors import Code, LackingError
from schemas.ports import ViewRow

pytestmark = pytest.mark.integration

NOW_MS = 1_800_000_000_000
# No cache to speak of: every read goes to the store.
UNCACHED = {"user_profile": 0.0, "user_activity": 0.0, "product_catalog": 0.0}


class RedisServer:
    """A redis-server of the test's own, on a port that stays the same over a restart."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            reason = "redis-server is not installed"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feast-outage")


@pytest.fixture
def on_redis(redis: RedisServer, folder: Path) -> FeatureOptions:
    options = FeatureOptions(
        data_dir=str(folder / "redis"), store="redis", redis=f"127.0.0.1:{redis.port}", cache_ttl_s=UNCACHED
    )
    filled(options)
    return options


@pytest.fixture
def on_sqlite(folder: Path) -> FeatureOptions:
    options = FeatureOptions(data_dir=str(folder / "sqlite"), cache_ttl_s=UNCACHED)
    filled(options)
    return options


def filled(options: FeatureOptions) -> None:
    apply(options)
    StoreWriter.open(options).write("user_profile", [{"user_id": "u1", "orders_90d": 3}], NOW_MS, newest=True)


def read(reader: BatchReader) -> ViewRow:
    return reader.read({"user_id": ["u1"], "product_id": ["p1"]}, NOW_MS)["user_profile"]["u1"]


def until(reader: BatchReader, state: str) -> None:
    """Reads until a row has this state; the breaker tries a store again after a second."""
    deadline = time.monotonic() + 30
    while read(reader).state != state:
        assert time.monotonic() < deadline, f"no row became {state}"
        time.sleep(0.05)


def test_a_frozen_redis_gives_errors_and_recovers(redis: RedisServer, on_redis: FeatureOptions) -> None:
    reader = open_reader(on_redis)
    assert read(reader).state == "fresh"
    redis.signal(signal.SIGSTOP)
    try:
        # All of these come back while the server is stopped; without limits the first would not.
        rows = [read(reader) for _ in range(20)]
    finally:
        redis.signal(signal.SIGCONT)
    assert {row.state for row in rows} == {"stale"}
    assert rows[-1].values is not None
    assert rows[-1].values["orders_90d"] == 3
    assert reader.read({"user_id": ["u1"]}, NOW_MS)["user_profile"]["u1"].state in ("stale", "fresh")
    until(reader, "fresh")
    reader.close()


def test_what_was_never_read_is_an_error_while_redis_is_frozen(redis: RedisServer, on_redis: FeatureOptions) -> None:
    reader = open_reader(on_redis)
    redis.signal(signal.SIGSTOP)
    try:
        rows = reader.read({"user_id": ["u1", ""], "product_id": ["p1"]}, NOW_MS)
    finally:
        redis.signal(signal.SIGCONT)
    assert (rows["user_profile"]["u1"].state, rows["user_profile"][""].state) == ("error", "missing")
    assert rows["product_catalog"]["p1"].state == "error"
    assert reader.stats()["errors"] == 3
    until(reader, "fresh")
    reader.close()


def test_a_redis_that_refuses_gives_errors_and_recovers(redis: RedisServer, on_redis: FeatureOptions) -> None:
    reader = open_reader(on_redis)
    redis.stop()
    try:
        states = [read(reader).state for _ in range(10)]
        with pytest.raises(LackingError) as caught:
            check(on_redis)
    finally:
        redis.start()
    assert set(states) == {"error"}
    assert caught.value.code is Code.STORE_UNREACHABLE
    assert str(redis.port) in caught.value.where
    filled(on_redis)
    until(reader, "fresh")
    reader.close()


def test_a_reader_is_refused_without_its_store_unless_it_may_wait(redis: RedisServer, on_redis: FeatureOptions) -> None:
    redis.stop()
    try:
        with pytest.raises(LackingError) as caught:
            open_reader(on_redis)
        reader = open_reader(on_redis, demand_store=False)
        assert read(reader).state == "error"
    finally:
        redis.start()
    assert caught.value.code is Code.STORE_UNREACHABLE
    filled(on_redis)
    until(reader, "fresh")
    reader.close()


def test_to_pause_is_to_raise_until_redis_is_back(redis: RedisServer, on_redis: FeatureOptions) -> None:
    reader = open_reader(msgspec.structs.replace(on_redis, outage="pause"))
    redis.signal(signal.SIGSTOP)
    try:
        for _ in range(5):
            with pytest.raises(StorePaused):
                read(reader)
    finally:
        redis.signal(signal.SIGCONT)
    deadline = time.monotonic() + 30
    while True:
        try:
            row = read(reader)
            break
        except StorePaused as paused:
            assert time.monotonic() < deadline
            time.sleep(paused.retry_s / 10)
    assert row.state == "fresh"
    reader.close()


_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2].split(";"):
    connection.execute(statement)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold() -> Iterator[Callable[[Path, str], Callable[[], None]]]:
    """Another process with an open transaction on the store's file; what it answers lets go of it."""
    holders: list[subprocess.Popen[str]] = []

    def begin(path: Path, statements: str) -> Callable[[], None]:
        holder = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(path), statements],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return lambda: (holder.kill(), holder.wait(), None)[2]

    yield begin
    for holder in holders:
        holder.kill()
        holder.wait()


def test_a_writer_in_another_process_holds_no_reader_up(
    on_sqlite: FeatureOptions, hold: Callable[[Path, str], Callable[[], None]]
) -> None:
    reader = open_reader(on_sqlite)
    hold(online_path(on_sqlite), "BEGIN IMMEDIATE; UPDATE patter_user_profile SET event_ts = 1")
    assert [read(reader).state for _ in range(3)] == ["fresh"] * 3
    assert read(reader).event_ms == NOW_MS
    reader.close()


def test_a_locked_file_gives_errors_and_recovers(
    on_sqlite: FeatureOptions, hold: Callable[[Path, str], Callable[[], None]]
) -> None:
    # Connections of this process that are no longer used would keep the other from having the file to itself.
    gc.collect()
    let_go = hold(
        online_path(on_sqlite),
        "PRAGMA locking_mode = EXCLUSIVE;BEGIN EXCLUSIVE;UPDATE patter_user_profile SET created_ts = 1;COMMIT",
    )
    reader = open_reader(on_sqlite, demand_store=False)
    states = [read(reader).state for _ in range(5)]
    let_go()
    assert set(states) == {"error"}
    until(reader, "fresh")
    reader.close()


def test_a_store_file_that_is_gone_is_named(folder: Path) -> None:
    with pytest.raises(LackingError) as caught:
        open_reader(FeatureOptions(data_dir=str(folder / "nothing")))
    assert caught.value.code is Code.STORE_UNREACHABLE
    assert "online.db" in caught.value.where
    assert not (folder / "nothing").exists()
