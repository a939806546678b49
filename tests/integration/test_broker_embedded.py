"""The embedded broker as other processes meet it: over TCP, with plain commits."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, Producer, TopicPartition

from schemas.errors import Code, ConfigError, LackingError
from schemas.topics import BY_LOGICAL
from streams.brokers import embedded
from streams.brokers.info import BrokerInfo, alive
from streams.brokers.mock_cluster import DEFAULT_PARTITIONS, FallbackCluster
from streams.kafka.admin import apply, check_partitions, plan
from streams.kafka.cluster import broker_facts
from streams.kafka.config import KafkaOptions, consumer_config, plain_consumer_config, producer_config
from streams.kafka.dump import read_topic
from streams.kafka.watermarks import watermarks

pytestmark = pytest.mark.integration

POLICY = BY_LOGICAL["policy"]
TOPICS = {"in": 3, "wide": 16, "one": 1, POLICY.name: POLICY.partitions}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerInfo]:
    info = embedded.start_embedded(TOPICS, tmp_path_factory.mktemp("embedded"))
    yield info
    embedded.stop(info)


@pytest.fixture
def options(broker: BrokerInfo) -> KafkaOptions:
    return KafkaOptions(bootstrap=broker.bootstrap, delivery="at_least_once")


def send(options: KafkaOptions, topic: str, values: list[bytes], partition: int = 0) -> None:
    producer = Producer(producer_config(options))
    for value in values:
        producer.produce(topic, value=value, key=b"k", partition=partition)
        producer.poll(0)
    assert producer.flush(30) == 0


def test_topics_have_the_partitions_that_were_asked_for(broker: BrokerInfo, options: KafkaOptions) -> None:
    assert broker.partitions == TOPICS
    assert broker.note == ""
    check_partitions(options, TOPICS)
    with pytest.raises(ConfigError) as raised:
        check_partitions(options, {"in": 4})
    assert raised.value.code is Code.TOPIC_MISMATCH
    with pytest.raises(LackingError) as lacking:
        check_partitions(options, {"another": 1})
    assert lacking.value.code is Code.TOPIC_MISSING
    # Asking did not make it.
    with pytest.raises(LackingError):
        check_partitions(options, {"another": 4})


def test_it_is_told_from_a_real_one(options: KafkaOptions) -> None:
    assert broker_facts(options).kind == "embedded"


def test_topics_are_made_at_its_start_only(options: KafkaOptions) -> None:
    assert plan(options, [POLICY]) == []
    assert apply(options, [POLICY]) == []
    with pytest.raises(LackingError) as raised:
        apply(options, [POLICY, BY_LOGICAL["dlq"]])
    assert raised.value.code is Code.BROKER_UNSUITABLE


def test_records_go_through_and_plain_commits_are_kept(options: KafkaOptions) -> None:
    sent = [b"%d" % number for number in range(1_000)]
    send(options, "in", sent, partition=2)
    consumer = Consumer(consumer_config(options, "readers", "reader-0"))
    consumer.subscribe(["in"])
    got: list[bytes | None] = []
    deadline = time.monotonic() + 60
    while len(got) < len(sent) and time.monotonic() < deadline:
        got += [message.value() for message in consumer.consume(500, 0.2) if message.error() is None]
    assert got == sent
    consumer.commit(offsets=[TopicPartition("in", 2, 600)], asynchronous=False)
    consumer.close()
    again = Consumer(consumer_config(options, "readers", "reader-0"))
    committed = again.committed([TopicPartition("in", 2), TopicPartition("in", 0)], 15)
    again.close()
    assert [place.offset for place in committed] == [600, OFFSET_INVALID]


def test_the_end_of_a_partition_is_told(options: KafkaOptions) -> None:
    send(options, "wide", [b"a", b"b"], partition=11)
    assert [record.value for record in read_topic(options, "wide")] == [b"a", b"b"]
    consumer = Consumer(plain_consumer_config(options))
    consumer.assign([TopicPartition("wide", 12, 0)])
    told = consumer.consume(1, 30)
    consumer.close()
    assert [message.error().code() for message in told] == [KafkaError._PARTITION_EOF]


def test_what_is_dropped_for_want_of_room_shows_in_the_low_watermark(options: KafkaOptions) -> None:
    chance = random.Random(1)
    send(options, "one", [chance.randbytes(2_000) for _ in range(500)])
    consumer = Consumer(plain_consumer_config(options))
    assert watermarks(consumer, "one", 0, 10) == (0, 500)
    # 8 MB into a partition that holds some 5 MB.
    send(options, "one", [chance.randbytes(2_000) for _ in range(3_500)])
    low, high = watermarks(consumer, "one", 0, 10)
    consumer.close()
    assert high == 4_000
    assert 0 < low < high
    assert [record.offset for record in read_topic(options, "one")] == list(range(low, high))


def test_every_start_is_a_new_incarnation(broker: BrokerInfo, tmp_path: Path) -> None:
    other = embedded.start_embedded({"in": 1}, tmp_path)
    try:
        assert other.incarnation
        assert other.incarnation != broker.incarnation
        assert embedded.status(tmp_path) == other
    finally:
        embedded.stop(other)
    assert embedded.status(tmp_path) is None
    with pytest.raises(LackingError) as raised:
        broker_facts(KafkaOptions(bootstrap=other.bootstrap))
    assert raised.value.code is Code.BROKER_UNREACHABLE


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time; from streams.brokers.embedded import start_embedded\n"
        "start_embedded({'in': 1}, pathlib.Path(sys.argv[1])); print(flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()
    info = embedded.status(tmp_path)
    assert info is not None
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    deadline = time.monotonic() + 30
    while alive(info) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(info)


def test_one_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(LackingError) as raised:
        embedded.start_embedded({"in": -3}, tmp_path)
    assert raised.value.code is Code.BROKER_FAILED


def test_without_the_c_api_every_topic_has_four_partitions_and_it_is_said() -> None:
    cluster = FallbackCluster({"in": 3, "one": 1})
    try:
        assert cluster.partitions == {"in": DEFAULT_PARTITIONS, "one": DEFAULT_PARTITIONS}
        assert "4 partitions" in cluster.note
        check_partitions(KafkaOptions(bootstrap=cluster.bootstrap()), {"in": 4, "one": 4})
    finally:
        cluster.close()
