"""Reading a topic whole: to its end as it was, by isolation, from offsets."""

import pytest
from confluent_kafka import Producer

from schemas.errors import Code, LackingError
from streams.kafka.config import KafkaOptions, producer_config, transactional_config
from streams.kafka.dump import dump_line, parse_line, read_topic

pytestmark = pytest.mark.integration


@pytest.fixture
def options(local_broker: str) -> KafkaOptions:
    return KafkaOptions(bootstrap=local_broker)


class Writer:
    """Writes transactions to partition 0 of a topic."""

    def __init__(self, options: KafkaOptions, topic: str) -> None:
        self.topic = topic
        self.producer = Producer(transactional_config(options, topic))
        self.producer.init_transactions(30)

    def write(self, *values: bytes, end: str) -> None:
        self.producer.begin_transaction()
        for value in values:
            self.producer.produce(self.topic, value=value, key=b"k", partition=0)
        # Aborting records that were not sent yet can end in a fatal error.
        self.producer.flush(30)
        if end == "commit":
            self.producer.commit_transaction(30)
        elif end == "abort":
            self.producer.abort_transaction(30)


def values(options: KafkaOptions, topic: str, isolation: str) -> list[bytes | None]:
    return [record.value for record in read_topic(options, topic, isolation)]  # type: ignore[arg-type]


def test_aborted_records_are_seen_by_uncommitted_readers_only(
    options: KafkaOptions, fresh_topics: dict[str, str]
) -> None:
    topic = fresh_topics["decisions"]
    writer = Writer(options, topic)
    writer.write(b"one", b"two", end="commit")
    writer.write(b"aborted", end="abort")
    writer.write(b"three", end="commit")
    writer.write(b"aborted last", end="abort")
    assert values(options, topic, "read_committed") == [b"one", b"two", b"three"]
    assert values(options, topic, "read_uncommitted") == [b"one", b"two", b"aborted", b"three", b"aborted last"]


def test_an_open_transaction_ends_a_committed_reader_and_does_not_hang_it(
    options: KafkaOptions, fresh_topics: dict[str, str]
) -> None:
    topic = fresh_topics["decisions"]
    writer = Writer(options, topic)
    writer.write(b"one", end="commit")
    writer.write(b"open", end="")
    assert values(options, topic, "read_committed") == [b"one"]
    assert values(options, topic, "read_uncommitted") == [b"one", b"open"]
    writer.producer.abort_transaction(30)


def test_the_end_is_where_it_was_at_the_call(options: KafkaOptions, fresh_topics: dict[str, str]) -> None:
    topic = fresh_topics["decisions"]
    writer = Writer(options, topic)
    writer.write(b"before", end="commit")
    records = read_topic(options, topic)
    writer.write(b"after", end="commit")
    assert [record.value for record in records] == [b"before"]


def test_reading_goes_on_from_offsets(options: KafkaOptions, fresh_topics: dict[str, str]) -> None:
    topic = fresh_topics["events"]
    producer = Producer(producer_config(options))
    for partition in range(4):
        for number in range(10):
            producer.produce(topic, value=f"{partition}.{number}".encode(), partition=partition)
    assert producer.flush(30) == 0
    got = [
        (record.partition, record.offset) for record in read_topic(options, topic, from_offsets={0: 7, 1: 10, 2: 99})
    ]
    assert sorted(got) == [(0, 7), (0, 8), (0, 9), *((3, number) for number in range(10))]


def test_a_million_bytes_of_records_come_in_order_and_only_once(
    options: KafkaOptions, fresh_topics: dict[str, str]
) -> None:
    topic = fresh_topics["events"]
    producer = Producer(producer_config(options))
    for number in range(20_000):
        producer.produce(topic, value=b"%050d" % number, key=b"%d" % (number % 97))
        producer.poll(0)
    assert producer.flush(30) == 0
    records = list(read_topic(options, topic))
    assert sorted(int(record.value or b"") for record in records) == list(range(20_000))
    for partition in range(4):
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == list(range(len(offsets)))


def test_keys_headers_and_odd_bytes_survive_the_dump(options: KafkaOptions, fresh_topics: dict[str, str]) -> None:
    topic = fresh_topics["dlq"]
    producer = Producer(producer_config(options))
    headers = [("patter-code", b"undecodable"), ("twice", b"a"), ("twice", None), ("odd", b"\xfe")]
    producer.produce(topic, value=b"\x00\xff", key="Grüße".encode(), headers=headers, partition=1)
    producer.produce(topic, value=None, key=None, partition=1)
    assert producer.flush(30) == 0
    first, second = read_topic(options, topic)
    assert (first.partition, first.value, first.key) == (1, b"\x00\xff", "Grüße".encode())
    assert first.headers == tuple(headers)
    assert (second.value, second.key, second.headers) == (None, None, ())
    assert first.timestamp_ms > 1_600_000_000_000
    assert [parse_line(dump_line(record)) for record in (first, second)] == [first, second]


def test_empty_topics_end_at_once_and_missing_ones_are_told(
    options: KafkaOptions, fresh_topics: dict[str, str]
) -> None:
    assert values(options, fresh_topics["policy"], "read_committed") == []
    with pytest.raises(LackingError) as raised:
        read_topic(options, "no-such-topic")
    assert raised.value.code is Code.TOPIC_MISSING
