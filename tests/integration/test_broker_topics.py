"""Topics from the catalogue on a real broker: made, changed, refused; what they hold."""

import random
import uuid

import msgspec
import pytest
from confluent_kafka import KafkaError, Producer

from schemas.errors import Code, ConfigError, LackingError
from schemas.topics import BY_LOGICAL, CATALOGUE, Topic
from streams.kafka.admin import apply, check_partitions, plan
from streams.kafka.cluster import broker_facts
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.dump import read_topic

pytestmark = pytest.mark.integration


@pytest.fixture
def options(local_broker: str) -> KafkaOptions:
    return KafkaOptions(bootstrap=local_broker)


def named(prefix: str) -> list[Topic]:
    return [msgspec.structs.replace(topic, name=f"{prefix}.{topic.name}") for topic in CATALOGUE]


def test_the_second_apply_has_nothing_to_do(options: KafkaOptions) -> None:
    topics = named(uuid.uuid4().hex)
    wished = plan(options, topics)
    assert {change.topic for change in wished} == {topic.name for topic in topics}
    with pytest.raises(LackingError) as raised:
        check_partitions(options, {topics[0].name: topics[0].partitions})
    assert raised.value.code is Code.TOPIC_MISSING
    assert apply(options, topics) == wished
    assert plan(options, topics) == []
    assert apply(options, topics) == []
    check_partitions(options, {topic.name: topic.partitions for topic in topics})


def test_a_configuration_that_differs_is_set_and_nothing_else(options: KafkaOptions) -> None:
    topics = named(uuid.uuid4().hex)
    apply(options, topics)
    changed = [msgspec.structs.replace(topics[0], retention_ms=3_600_000), *topics[1:]]
    (change,) = apply(options, changed)
    assert (change.topic, change.after) == (topics[0].name, {"retention.ms": "3600000"})
    assert plan(options, changed) == []


def test_another_partition_count_is_refused_and_changes_nothing(
    options: KafkaOptions, fresh_topics: dict[str, str]
) -> None:
    wide = msgspec.structs.replace(BY_LOGICAL["events"], name=fresh_topics["events"], partitions=7)
    new = msgspec.structs.replace(BY_LOGICAL["policy"], name=uuid.uuid4().hex)
    for refuse in (plan, apply):
        with pytest.raises(ConfigError) as raised:
            refuse(options, [new, wide])
        assert raised.value.code is Code.TOPIC_MISMATCH
    with pytest.raises(ConfigError, match="7 are wanted"):
        check_partitions(options, {wide.name: 7})
    with pytest.raises(LackingError, match="do not exist"):
        check_partitions(options, {new.name: 1})


def produce(options: KafkaOptions, topic: str, value: bytes) -> list[KafkaError | None]:
    producer = Producer(producer_config(options))
    said: list[KafkaError | None] = []
    producer.produce(topic, value=value, key=b"k", on_delivery=lambda error, _: said.append(error))
    assert producer.flush(30) == 0
    return said


def test_an_event_over_a_megabyte_is_kept_to_the_byte(options: KafkaOptions, fresh_topics: dict[str, str]) -> None:
    # Random bytes do not compress: the broker sees all of them.
    value = random.Random(7).randbytes(1_200_000)
    assert produce(options, fresh_topics["events"], value) == [None]
    assert [record.value for record in read_topic(options, fresh_topics["events"])] == [value]


def test_the_largest_event_fits_among_the_dead_letters(options: KafkaOptions, fresh_topics: dict[str, str]) -> None:
    value = random.Random(8).randbytes(BY_LOGICAL["events"].max_bytes)
    assert produce(options, fresh_topics["dlq"], value) == [None]


def test_other_topics_keep_their_limit(options: KafkaOptions, fresh_topics: dict[str, str]) -> None:
    (error,) = produce(options, fresh_topics["decisions"], random.Random(9).randbytes(1_200_000))
    assert error is not None
    assert error.code() == KafkaError.MSG_SIZE_TOO_LARGE


def test_no_topic_springs_up(options: KafkaOptions) -> None:
    name = uuid.uuid4().hex
    producer = Producer(
        {**producer_config(options), "message.timeout.ms": 2_000, "topic.metadata.propagation.max.ms": 0}
    )
    said: list[KafkaError | None] = []
    producer.produce(name, value=b"x", on_delivery=lambda error, _: said.append(error))
    producer.flush(30)
    assert said[0] is not None
    with pytest.raises(LackingError, match="do not exist"):
        check_partitions(options, {name: 1})


def test_what_the_broker_says_of_itself(options: KafkaOptions) -> None:
    facts = broker_facts(options)
    assert (facts.kind, facts.brokers, facts.bootstrap) == ("kafka", 1, options.bootstrap)
    assert facts.cluster_id


def test_where_nothing_listens_one_line_says_so() -> None:
    with pytest.raises(LackingError) as raised:
        broker_facts(KafkaOptions(bootstrap="127.0.0.1:1"))
    assert raised.value.code is Code.BROKER_UNREACHABLE
    assert "Connection refused" in raised.value.line()
    assert raised.value.exit_code == 3
