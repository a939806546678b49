"""How far a consumer group has come."""

from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.errors import Code, LackingError
from streams.kafka.config import KafkaOptions, plain_consumer_config

ANSWER_TIMEOUT_S = 15.0


def committed(options: KafkaOptions, group: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """How far a group has come; partitions without a commit are left out. Joins nothing. Raises LackingError."""
    consumer = Consumer({**plain_consumer_config(options), "group.id": group, "log_level": 0})
    try:
        places = consumer.committed([TopicPartition(topic, partition) for partition in partitions], ANSWER_TIMEOUT_S)
    except KafkaException as error:
        raise LackingError(Code.BROKER_FAILED, "committed offsets cannot be read", where=f"{group}: {error}") from error
    finally:
        consumer.close()
    return {place.partition: place.offset for place in places if place.error is None and place.offset >= 0}
