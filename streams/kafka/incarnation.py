"""Which life of a topic this is: offsets of a topic that was deleted and made again mean nothing to the old one's."""

from confluent_kafka import KafkaException, TopicCollection

from schemas.errors import Code, LackingError
from streams.kafka.cluster import EMBEDDED, connect, look
from streams.kafka.config import KafkaOptions

ANSWER_TIMEOUT_S = 30.0


def incarnation_of(options: KafkaOptions, topic: str, named: str = "") -> str:
    """The topic's id (KIP-516). `named` is what the embedded broker is called, which has no such ids.

    Raises LackingError (broker_unreachable, broker_failed, broker_unsuitable).
    """
    if named:
        return named
    cluster = connect(options)
    facts, _ = look(cluster)
    if facts.kind == EMBEDDED:
        raise LackingError(
            Code.BROKER_UNSUITABLE,
            "the embedded broker names no topics",
            where="kafka.incarnation",
            hint="set it to something that is new with each start of the broker",
        )
    try:
        found = cluster.client.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_TIMEOUT_S)
        return str(found[topic].result().topic_id)
    except KafkaException as error:
        raise LackingError(Code.BROKER_FAILED, "the topic's id cannot be read", where=f"{topic}: {error}") from error


def source_of(incarnation: str, partition: int) -> str:
    """What partials call one partition of one life of the input log."""
    return f"{incarnation}:{partition}"
