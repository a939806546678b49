"""The real broker as a process: started, found, stopped, killed, started again; and why it would not start."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from schemas.errors import Code, ConfigError, LackingError
from schemas.topics import BY_LOGICAL
from streams.brokers import local
from streams.brokers.info import BrokerInfo, alive, end, started_at
from streams.kafka.admin import apply
from streams.kafka.config import KafkaOptions, transactional_config
from streams.kafka.dump import read_topic

pytestmark = pytest.mark.integration

TOPIC = BY_LOGICAL["decisions"]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "kafka"
    local.stop(tmp_path / "kafka")


def options_of(info: BrokerInfo) -> KafkaOptions:
    return KafkaOptions(bootstrap=info.bootstrap)


def commit(options: KafkaOptions, value: bytes) -> None:
    producer = Producer(transactional_config(options, "test"))
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(TOPIC.name, value=value, key=b"k")
    producer.commit_transaction(30)


def values(options: KafkaOptions) -> list[bytes | None]:
    return [record.value for record in read_topic(options, TOPIC.name)]


def test_its_data_outlives_a_stop_and_a_kill(kafka_jars: None, data: Path) -> None:
    first = local.start(data, 0)
    assert local.status(data) == first
    assert local.start(data, 0) == first, "a running broker is answered as it is"
    with pytest.raises(ConfigError, match="already runs"):
        local.start(data, 1)
    apply(options_of(first), [TOPIC])
    commit(options_of(first), b"before the stop")

    assert local.stop(data) == first
    assert local.status(data) is None
    assert not alive(first)

    second = local.start(data, int(first.bootstrap.rpartition(":")[2]))
    assert (second.bootstrap, second.incarnation) == (first.bootstrap, first.incarnation)
    commit(options_of(second), b"before the kill")
    # A commit is answered before its marker is in the log; a reader sees the record only then.
    deadline = time.monotonic() + 10
    while len(values(options_of(second))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert second.pid is not None
    os.kill(second.pid, signal.SIGKILL)
    os.waitpid(second.pid, 0)
    assert (data / "broker.json").exists(), "a killed broker leaves its pid file"
    assert local.status(data) is None

    third = local.start(data, 0)
    assert third.incarnation == first.incarnation
    assert values(options_of(third)) == [b"before the stop", b"before the kill"]


def test_a_taken_port_is_told(kafka_jars: None, data: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LackingError) as raised:
            local.start(data, port)
    assert (raised.value.code, raised.value.where) == (Code.PORT_TAKEN, f"127.0.0.1:{port}")


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def no_jars(tmp_path: Path) -> Path:
    for name in ("kafka_2.13-4.3.0.jar", "log4j-slf4j-impl-2.25.4.jar"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_broker_that_cannot_format_says_why(no_jars: Path, data: Path) -> None:
    java = script(no_jars / "java", "echo 'UnsupportedClassVersionError: class file version 61.0' >&2; exit 1")
    with pytest.raises(LackingError) as raised:
        local.start(data, 0, no_jars, java=java)
    assert raised.value.code is Code.BROKER_FAILED
    assert "class file version 61.0" in raised.value.what
    assert "Java 17" in raised.value.hint


# Formats as StorageTool would; anything else that it is asked to run comes after it.
FORMATS = """
data="$(dirname "$0")/kafka"
case "$*" in *StorageTool*) echo cluster.id=x > "$data/topics/meta.properties"; exit 0;; esac
"""


def test_a_broker_that_dies_at_start_says_why_and_leaves_nothing(no_jars: Path, data: Path) -> None:
    (data / "topics").mkdir(parents=True)
    java = script(no_jars / "java", FORMATS + "echo '[main] ERROR the disk is full'; exit 3")
    with pytest.raises(LackingError) as raised:
        local.start(data, 0, no_jars, java=java)
    assert raised.value.code is Code.BROKER_FAILED
    assert "code 3" in raised.value.what
    assert "the disk is full" in raised.value.what
    assert not (data / "broker.json").exists()


def test_a_broker_that_never_answers_is_not_left_behind(no_jars: Path, data: Path) -> None:
    (data / "topics").mkdir(parents=True)
    java = script(no_jars / "java", FORMATS + "echo $$ > " + str(no_jars / "pid") + "; exec sleep 600")
    with pytest.raises(LackingError, match="not ready within"):
        local.start(data, 0, no_jars, java=java, timeout_s=1.0)
    assert started_at(int((no_jars / "pid").read_text())) == 0.0


def test_who_does_not_end_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    info = BrokerInfo(kind="local", bootstrap="", pid=process.pid, started=started_at(process.pid))
    end(info, 0.3)
    assert not alive(info)
    process.wait(10)


def test_a_process_of_the_same_number_is_left_alone() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        end(BrokerInfo(kind="local", bootstrap="", pid=process.pid, started=time.time() - 3600), 0.3)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait(10)
