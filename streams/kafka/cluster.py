"""What a cluster says about itself: whether it is there, its kind, its topics."""

from typing import Literal

import msgspec
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from msgspec import Struct

from schemas.errors import Code, LackingError
from streams.kafka.client_check import refused
from streams.kafka.config import KafkaOptions, admin_config
from streams.kafka.topic_changes import Existing

# A broker that is up answers in milliseconds; who starts a worker should not wait long to hear that none is there.
METADATA_TIMEOUT_S = 4.5
EMBEDDED: Literal["embedded"] = "embedded"
# librdkafka's in-process cluster begins its cluster id so.
_EMBEDDED_ID = "mockCluster"


class BrokerFacts(Struct, frozen=True, kw_only=True):
    """A cluster seen from outside. `version` is None where the broker does not tell (Kafka 4 does not)."""

    kind: Literal["embedded", "kafka"]
    bootstrap: str
    cluster_id: str
    brokers: int
    version: str | None = None


class Connection(Struct, frozen=True):
    """An admin client, and the troubles that it reported: a refused connection, a failed handshake."""

    client: AdminClient
    bootstrap: str
    troubles: list[str]


def connect(options: KafkaOptions) -> Connection:
    """An admin client. Raises ConfigError where the user's keys are refused; that the broker is there is seen later."""
    troubles: list[str] = []
    config = {**admin_config(options), "log_level": 0, "error_cb": lambda error: troubles.append(error.str())}
    try:
        return Connection(AdminClient(config), options.bootstrap, troubles)
    except (KafkaException, TypeError, ValueError) as error:
        raise refused(options.client, error) from error


def look(cluster: Connection) -> tuple[BrokerFacts, dict[str, Existing]]:
    """The cluster and its topics. Raises LackingError (broker_unreachable) within 5 s.

    All topics are listed, never one by its name: to be asked about a topic makes the embedded broker create it.
    """
    try:
        metadata = cluster.client.list_topics(timeout=METADATA_TIMEOUT_S)
    except KafkaException as error:
        cluster.client.poll(0)
        raise unreachable(
            cluster.bootstrap, cluster.troubles[0] if cluster.troubles else error.args[0].str()
        ) from error
    cluster_id = metadata.cluster_id or ""
    facts = BrokerFacts(
        kind=EMBEDDED if cluster_id.startswith(_EMBEDDED_ID) else "kafka",
        bootstrap=cluster.bootstrap,
        cluster_id=cluster_id,
        brokers=len(metadata.brokers),
    )
    return facts, {name: Existing(len(topic.partitions)) for name, topic in metadata.topics.items()}


def broker_facts(options: KafkaOptions) -> BrokerFacts:
    """What is known about the cluster. Raises LackingError (broker_unreachable) within 5 s, ConfigError (bad keys)."""
    cluster = connect(options)
    facts, _ = look(cluster)
    return facts if facts.kind == EMBEDDED else msgspec.structs.replace(facts, version=_version(cluster.client))


def _version(client: AdminClient) -> str | None:
    """Kafka's protocol names no version. Brokers before 4.0 have a setting that comes close; some forbid to read it."""
    try:
        controller = client.describe_cluster(request_timeout=METADATA_TIMEOUT_S).result().controller
        if controller is None:
            return None
        resource = ConfigResource(ResourceType.BROKER, str(controller.id))
        asked = client.describe_configs([resource], request_timeout=METADATA_TIMEOUT_S)
        entry = asked[resource].result().get("inter.broker.protocol.version")
    except KafkaException:
        return None
    return None if entry is None else str(entry.value)


def unreachable(bootstrap: str, reason: str) -> LackingError:
    """The one line for a broker that does not answer."""
    return LackingError(
        Code.BROKER_UNREACHABLE,
        f"no Kafka answers: {reason}",
        where=bootstrap,
        hint="start one (`patter broker start`) or set kafka.bootstrap",
    )
