"""`patter broker` and `patter topics` as processes of their own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.topics import CATALOGUE
from streams.brokers import local

pytestmark = pytest.mark.integration


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "kafka"
    local.stop(tmp_path / "kafka")


def patter(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run([sys.executable, "-m", "patter", *arguments], capture_output=True, check=False)
    assert done.returncode == code, done.stderr.decode()
    return done


def result(*arguments: str, code: int = 0) -> dict[str, object]:
    told = json.loads(patter(*arguments, "--json", "-", code=code).stdout)
    assert isinstance(told, dict)
    return told


def test_a_broker_is_started_found_used_and_stopped(kafka_jars: None, data: Path, tmp_path: Path) -> None:
    folder = ("--data", str(data))
    none = result("broker", "status", *folder, code=1)
    assert (none["ok"], none["running"], none["broker"]) == (False, False, None)

    started = result("broker", "start", *folder, "--port", "0")
    assert (started["schema"], started["ok"], started["running"]) == ("patter.broker/1", True, True)
    broker = started["broker"]
    assert isinstance(broker, dict)
    assert broker["kind"] == "local"
    again = result("broker", "start", *folder, "--port", "0")
    assert again["pid"] == started["pid"]
    assert result("broker", "status", *folder)["broker"] == broker

    config = tmp_path / "patter.toml"
    config.write_text(
        f'[kafka]\nbootstrap = "{broker["bootstrap"]}"\n[topics.dlq]\nname = "shop.dead"\npartitions = 2\n'
    )
    settings = ("--config", str(config))
    wished = result("topics", "plan", *settings)["changes"]
    assert isinstance(wished, list)
    assert len(wished) == len(CATALOGUE)
    assert [change["partitions"] for change in wished if change["topic"] == "shop.dead"] == [2]
    assert result("topics", "apply", *settings)["changes"] == wished
    assert result("topics", "apply", *settings)["changes"] == []
    # By its name in the settings, and by its own.
    assert patter("topics", "dump", "dlq", *settings).stdout == b""
    assert patter("topics", "dump", "shop.dead", "--isolation", "read_uncommitted", *settings).stdout == b""
    missing = patter("topics", "dump", "patter.dlq.v1", *settings, code=3)
    assert missing.stderr.startswith(b"error[topic_missing]: ")
    assert missing.stdout == b""

    config.write_text(config.read_text().replace("partitions = 2", "partitions = 3"))
    refused = patter("topics", "apply", *settings, code=2)
    assert b"error[topic_mismatch]: shop.dead has 2 partitions, 3 are wanted" in refused.stderr

    stopped = result("broker", "stop", *folder)
    assert (stopped["running"], stopped["pid"]) == (False, started["pid"])
    assert result("broker", "stop", *folder)["pid"] is None
    away = patter("topics", "plan", *settings, code=3)
    assert away.stderr.startswith(b"error[broker_unreachable]: ")
