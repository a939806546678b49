"""What every client is configured with, and what a user's keys may change."""

import pytest
from confluent_kafka import Consumer, Producer

from schemas.errors import Code, ConfigError
from schemas.topics import CATALOGUE
from streams.kafka.client_check import check_client
from streams.kafka.client_keys import CONSUMER_ONLY, PRODUCER_ONLY, PROTECTED
from streams.kafka.config import (
    KafkaOptions,
    admin_config,
    consumer_config,
    plain_consumer_config,
    producer_config,
    transactional_config,
)


def options(**client: str) -> KafkaOptions:
    return KafkaOptions(bootstrap="127.0.0.1:1", client={key.replace("_", "."): value for key, value in client.items()})


def all_configs(given: KafkaOptions) -> dict[str, dict[str, str | int | bool]]:
    return {
        "admin": admin_config(given),
        "consumer": consumer_config(given, "group", "member-0"),
        "plain": plain_consumer_config(given),
        "producer": producer_config(given),
        "transactional": transactional_config(given, "member-0"),
    }


def test_offsets_are_never_committed_by_a_timer_and_aborted_records_stay_unseen() -> None:
    for config in (consumer_config(options(), "g", "m"), plain_consumer_config(options())):
        assert config["enable.auto.commit"] is False
        assert config["enable.auto.offset.store"] is False
        assert config["isolation.level"] == "read_committed"
        assert config["auto.offset.reset"] == "earliest"


def test_isolation_can_be_chosen() -> None:
    assert plain_consumer_config(options(), isolation="read_uncommitted")["isolation.level"] == "read_uncommitted"


def test_every_producer_puts_a_key_where_the_java_clients_do() -> None:
    for config in (producer_config(options()), transactional_config(options(), "m")):
        assert config["partitioner"] == "murmur2_random"
        assert config["acks"] == "all"
        assert config["enable.idempotence"] is True


def test_the_largest_record_of_any_topic_can_be_produced() -> None:
    limit = producer_config(options())["message.max.bytes"]
    assert isinstance(limit, int)
    assert limit >= max(topic.max_bytes for topic in CATALOGUE)


def test_a_dead_workers_transaction_ends_before_its_partitions_move() -> None:
    transaction = transactional_config(options(), "m")["transaction.timeout.ms"]
    session = consumer_config(options(), "g", "m")["session.timeout.ms"]
    assert isinstance(transaction, int)
    assert isinstance(session, int)
    assert transaction < session


def test_members_are_static_and_plain_readers_join_nothing() -> None:
    member = consumer_config(options(), "serve", "serve-0")
    assert (member["group.id"], member["group.instance.id"]) == ("serve", "serve-0")
    plain = plain_consumer_config(options())
    assert "group.instance.id" not in plain
    assert plain["enable.partition.eof"] is True


def test_no_client_makes_topics_spring_up() -> None:
    for config in all_configs(options()).values():
        assert config["allow.auto.create.topics"] is False


@pytest.mark.parametrize("key", sorted(PROTECTED))
def test_a_key_that_promises_rest_on_is_refused_by_its_field(key: str) -> None:
    given = KafkaOptions(bootstrap="127.0.0.1:1", client={key: "1"})
    for build in (admin_config, plain_consumer_config, producer_config):
        with pytest.raises(ConfigError) as raised:
            build(given)
        assert raised.value.code is Code.SETTINGS_INVALID
        assert raised.value.where == f"kafka.client.{key}"


def test_a_users_keys_reach_every_client_they_are_for_and_no_other() -> None:
    given = options(security_protocol="ssl", session_timeout_ms="20000", linger_ms="50")
    configs = all_configs(given)
    assert {name for name, config in configs.items() if config.get("security.protocol") == "ssl"} == set(configs)
    assert {name for name, config in configs.items() if config.get("session.timeout.ms") == "20000"} == {
        "consumer",
        "plain",
    }
    assert {name for name, config in configs.items() if config.get("linger.ms") == "50"} == {
        "producer",
        "transactional",
    }


def test_the_keys_of_each_kind_are_disjoint() -> None:
    assert not CONSUMER_ONLY & PRODUCER_ONLY
    assert not (CONSUMER_ONLY | PRODUCER_ONLY) & set(PROTECTED)


def test_the_defaults_are_taken_by_librdkafka() -> None:
    check_client(options())


def values_of(keys: frozenset[str]) -> dict[str, str]:
    odd = {
        "client.rack": "a",
        "check.crcs": "true",
        "compression.codec": "zstd",
        "compression.level": "3",
        "compression.type": "zstd",
        "fetch.max.bytes": "60000000",
        "group.protocol.type": "consumer",
        "delivery.timeout.ms": "9000",
        "max.poll.interval.ms": "300000",
        "message.timeout.ms": "9000",
        "queue.buffering.backpressure.threshold": "1",
    }
    return {key: odd.get(key, "1000") for key in keys}


def test_librdkafka_knows_the_keys_of_both_kinds_and_warns_of_none(capfd: pytest.CaptureFixture[str]) -> None:
    client = values_of(CONSUMER_ONLY | PRODUCER_ONLY)
    given = KafkaOptions(bootstrap="127.0.0.1:1", client=client)
    producer, consumer = producer_config(given), plain_consumer_config(given)
    del producer["bootstrap.servers"], consumer["bootstrap.servers"]
    Producer(producer)
    Consumer(consumer).close()
    assert "will be ignored" not in capfd.readouterr().err
    # The other way round it does warn, so the silence above means something.
    Producer({key: client[key] for key in ("client.rack", "session.timeout.ms")})
    assert "will be ignored" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("client", "field"),
    [
        ({"no.such.key": "1"}, "kafka.client.no.such.key"),
        ({"session.timeout.ms": "soon"}, "kafka.client.session.timeout.ms"),
        ({"session.timeout.ms": "600000"}, "kafka.client.session.timeout.ms"),
        ({"message.timeout.ms": "60000"}, "kafka.client.message.timeout.ms"),
        ({"security.protocol": "ssl", "ssl.ca.location": "/no/such/file"}, "kafka.client.ssl.ca.location"),
    ],
)
def test_what_librdkafka_refuses_is_told_by_its_field(client: dict[str, str], field: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check_client(KafkaOptions(bootstrap="127.0.0.1:1", client=client))
    assert (raised.value.code, raised.value.where) == (Code.SETTINGS_INVALID, field)
