"""Topics as the catalogue wants them: what differs, making it so, and refusing to work where it is not so."""

from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from schemas.errors import Code, LackingError
from schemas.topics import Topic
from streams.kafka.cluster import EMBEDDED, BrokerFacts, Connection, connect, look
from streams.kafka.config import KafkaOptions, plain_consumer_config
from streams.kafka.topic_changes import Change, Existing, changes, same_partitions
from streams.kafka.watermarks import watermarks

ADMIN_TIMEOUT_S = 30.0
# What a cluster's own default is called (Kafka 2.4 and newer).
BROKER_DEFAULT = -1


def plan(options: KafkaOptions, topics: Iterable[Topic]) -> list[Change]:
    """What `apply` would do. Raises ConfigError (topic_mismatch), LackingError (broker_unreachable)."""
    topics = list(topics)
    cluster = connect(options)
    facts, existing = look(cluster)
    return changes(topics, _with_config(cluster, facts, existing, [topic.name for topic in topics]))


def apply(options: KafkaOptions, topics: Iterable[Topic]) -> list[Change]:
    """Create missing topics and set differing configurations; answers what was done (nothing, the second time).

    Raises ConfigError (topic_mismatch), LackingError (broker_unreachable, broker_unsuitable, broker_failed).
    """
    topics = list(topics)
    cluster = connect(options)
    facts, existing = look(cluster)
    found = changes(topics, _with_config(cluster, facts, existing, [topic.name for topic in topics]))
    new = [change for change in found if change.kind == "create"]
    if new and facts.kind == EMBEDDED:
        raise LackingError(
            Code.BROKER_UNSUITABLE,
            "the embedded broker makes topics only when it starts",
            where=", ".join(change.topic for change in new),
        )
    _create(cluster, facts, new)
    _wait_until_led(options, new)
    _configure(cluster, [change for change in found if change.kind == "configure"])
    return found


def check_partitions(options: KafkaOptions, wanted: Mapping[str, int]) -> None:
    """What a worker asks before it starts: every topic is there with this many partitions.

    Raises LackingError (topic_missing, broker_unreachable), ConfigError (topic_mismatch).
    """
    _, existing = look(connect(options))
    missing = [name for name in wanted if name not in existing]
    if missing:
        raise LackingError(
            Code.TOPIC_MISSING,
            f"{len(missing)} topics do not exist",
            where=", ".join(missing),
            hint="patter topics apply",
        )
    for name, partitions in wanted.items():
        same_partitions(name, partitions, existing[name].partitions)


def _with_config(
    cluster: Connection, facts: BrokerFacts, existing: dict[str, Existing], names: list[str]
) -> dict[str, Existing]:
    there = [name for name in names if name in existing]
    if facts.kind == EMBEDDED or not there:
        return existing
    asked = cluster.client.describe_configs(
        [ConfigResource(ResourceType.TOPIC, name) for name in there], request_timeout=ADMIN_TIMEOUT_S
    )
    told = dict(existing)
    for resource, future in asked.items():
        try:
            entries = future.result()
        except KafkaException as error:
            raise _refused("a topic's configuration cannot be read", resource.name, error) from error
        config = {name: entry.value for name, entry in entries.items() if entry.value is not None}
        told[resource.name] = Existing(existing[resource.name].partitions, config)
    return told


def _create(cluster: Connection, facts: BrokerFacts, new: list[Change], replication: int = BROKER_DEFAULT) -> None:
    if not new:
        return
    wanted = [
        NewTopic(change.topic, change.partitions, replication_factor=replication, config=change.after) for change in new
    ]
    futures = cluster.client.create_topics(wanted, operation_timeout=ADMIN_TIMEOUT_S, request_timeout=ADMIN_TIMEOUT_S)
    unreplicated = []
    for change in new:
        try:
            futures[change.topic].result()
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.TOPIC_ALREADY_EXISTS:
                continue  # another worker was quicker, with the same catalogue; check_partitions judges what is there
            if code == KafkaError.INVALID_REPLICATION_FACTOR and facts.brokers == 1 and replication == BROKER_DEFAULT:
                unreplicated.append(change)
                continue
            raise _refused("a topic cannot be created", change.topic, error) from error
    # One broker whose default asks for more replicas than there are brokers: one copy is all that there can be.
    _create(cluster, facts, unreplicated, replication=1)


def _wait_until_led(options: KafkaOptions, new: list[Change]) -> None:
    """The controller answers before the brokers have made the logs, and a worker that starts at once would be told that
    nobody leads its partitions: wait until each partition says where it ends.
    """
    if not new:
        return
    consumer = Consumer({**plain_consumer_config(options), "log_level": 0})
    try:
        for change in new:
            for partition in range(change.partitions):
                watermarks(consumer, change.topic, partition, ADMIN_TIMEOUT_S)
    except KafkaException as error:
        raise _refused("a new topic is led by no broker", change.topic, error) from error
    finally:
        consumer.close()


def _configure(cluster: Connection, differing: list[Change]) -> None:
    if not differing:
        return
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            change.topic,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                for key, value in change.after.items()
            ],
        )
        for change in differing
    ]
    for resource, future in cluster.client.incremental_alter_configs(
        resources, request_timeout=ADMIN_TIMEOUT_S
    ).items():
        try:
            future.result()
        except KafkaException as error:
            raise _refused("a topic's configuration cannot be set", resource.name, error) from error


def _refused(what: str, topic: str, error: KafkaException) -> LackingError:
    return LackingError(Code.BROKER_FAILED, f"{what}: {error.args[0].str()}", where=topic)
