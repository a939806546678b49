"""The parts of the brokers that need no broker."""

import os
from pathlib import Path

import msgspec
import pytest

from schemas.errors import Code, LackingError
from schemas.topics import CATALOGUE
from streams.brokers import jars, local
from streams.brokers.info import BrokerInfo, alive, read_info, started_at, write_info
from streams.brokers.properties import server_properties
from streams.kafka.config import TRANSACTION_TIMEOUT_MS, producer_config
from streams.kafka.config import KafkaOptions as Options


def properties() -> dict[str, str]:
    text = server_properties("/data/topics", 29092, 29093)
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_broker_is_reachable_from_this_machine_only() -> None:
    told = properties()
    for key in ("listeners", "advertised.listeners", "controller.quorum.voters"):
        assert all("127.0.0.1" in part for part in told[key].split(","))


def test_topics_never_spring_up_and_the_largest_record_fits() -> None:
    told = properties()
    assert told["auto.create.topics.enable"] == "false"
    largest = max(topic.max_bytes for topic in CATALOGUE)
    asked = producer_config(Options(bootstrap="x:1"))["message.max.bytes"]
    assert int(told["message.max.bytes"]) >= max(largest, int(asked))
    assert told["replica.fetch.max.bytes"] == told["message.max.bytes"]
    assert int(told["transaction.max.timeout.ms"]) >= TRANSACTION_TIMEOUT_MS


def test_one_node_asks_for_no_replicas() -> None:
    factors = {key: value for key, value in properties().items() if "replication.factor" in key or "min.isr" in key}
    assert len(factors) >= 6
    assert set(factors.values()) == {"1"}


def test_a_pid_that_was_given_to_another_process_does_not_count() -> None:
    pid = os.getpid()
    mine = BrokerInfo(kind="local", bootstrap="127.0.0.1:1", pid=pid, started=started_at(pid))
    assert alive(mine)
    assert not alive(msgspec.structs.replace(mine, started=mine.started - 3600))
    assert not alive(msgspec.structs.replace(mine, pid=None))
    # Above every pid that Linux and macOS give.
    assert not alive(msgspec.structs.replace(mine, pid=2**31 - 1))


def test_a_stale_or_broken_pid_file_means_that_nothing_runs(tmp_path: Path) -> None:
    assert local.status(tmp_path) is None
    info = BrokerInfo(kind="local", bootstrap="127.0.0.1:1", pid=os.getpid(), started=1.0)
    write_info(tmp_path / "broker.json", info)
    assert read_info(tmp_path / "broker.json") == info
    assert local.status(tmp_path) is None
    assert local.stop(tmp_path) is None
    assert not (tmp_path / "broker.json").exists()
    (tmp_path / "broker.json").write_text('{"kind": "loc')
    assert local.status(tmp_path) is None


def test_missing_jars_are_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "kafka_2.13-4.3.0.jar").touch()
    with pytest.raises(LackingError) as raised:
        jars.kafka_version(tmp_path)
    assert (raised.value.code, raised.value.where) == (Code.JARS_MISSING, str(tmp_path))
    assert raised.value.hint == "make kafka"
    (tmp_path / "log4j-slf4j-impl-2.25.4.jar").touch()
    assert jars.kafka_version(tmp_path) == "4.3.0"


def test_missing_java_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(LackingError) as raised:
        local.start(tmp_path / "data", java="/no/such/java")
    assert raised.value.code is Code.JAVA_MISSING
    assert not (tmp_path / "data").exists()


def test_the_pom_names_no_repository() -> None:
    text = jars.POM.read_text()
    assert "<repositor" not in text
    assert "<pluginRepositor" not in text
