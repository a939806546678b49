"""Where topics begin and end, and how far a group has come."""

from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, TopicPartition

from streams.kafka.config import KafkaOptions, plain_consumer_config

TIMEOUT_S = 15.0
Offsets = dict[int, int]


def ends(options: KafkaOptions, topics: Iterable[str]) -> dict[str, Offsets]:
    """Topic -> partition -> the offset after its last record."""
    return {topic: {p: high for p, (_, high) in marks.items()} for topic, marks in _marks(options, topics).items()}


def begins(options: KafkaOptions, topics: Iterable[str]) -> dict[str, Offsets]:
    """Topic -> partition -> the first offset that is still there."""
    return {topic: {p: low for p, (low, _) in marks.items()} for topic, marks in _marks(options, topics).items()}


def _marks(options: KafkaOptions, topics: Iterable[str]) -> dict[str, dict[int, tuple[int, int]]]:
    consumer = Consumer(plain_consumer_config(options))
    try:
        known = consumer.list_topics(timeout=TIMEOUT_S).topics
        return {
            topic: {
                partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), TIMEOUT_S)
                for partition in known[topic].partitions
            }
            for topic in topics
            if topic in known
        }
    finally:
        consumer.close()


def reached(now: Mapping[int, int], goal: Mapping[int, int]) -> bool:
    """Whether every partition of `goal` has come that far."""
    return all(now.get(partition, 0) >= offset for partition, offset in goal.items())
