"""The state of so many shoppers, made as collect makes it, and written where collect restores it from.

Counting a million shoppers up through collect itself takes minutes, nearly all of them for rows of activity in the
online store; what is measured is what comes after them.
"""

from collections.abc import Mapping

from confluent_kafka import Consumer, Producer, TopicPartition

from patter.settings import Settings
from patter.wiring.collect import collect_rules
from patter.wiring.kafka import topics_of
from schemas.decode import decode_event
from streams.collect.changelog import changes
from streams.collect.source import Source
from streams.kafka.config import KafkaOptions, plain_consumer_config, producer_config
from streams.kafka.dump import read_topic
from streams.kafka.incarnation import incarnation_of, source_of
from streams.kafka.sending import send

FLUSH_S = 120.0


def counted(settings: Settings, kafka: KafkaOptions) -> dict[int, Source]:
    """Everything that stands on the input log now, counted: sources by partition."""
    events = topics_of(settings)["events"]
    rules = collect_rules(settings)
    incarnation = incarnation_of(kafka, events.name, settings.kafka.incarnation)
    sources = {
        partition: Source(source_of(incarnation, partition), rules, lambda _product: None)
        for partition in range(events.partitions)
    }
    for record in read_topic(kafka, events.name):
        sources[record.partition].take(record.offset, decode_event(record.value, record.timestamp_ms))
    for source in sources.values():
        source.reached.close(source.through, source.counts.high_ms)
    return sources


def write_state(settings: Settings, kafka: KafkaOptions, sources: Mapping[int, Source]) -> int:
    """Write it into the topics of state and sketches of these settings; answers the number of records."""
    topics = topics_of(settings)
    producer = Producer(producer_config(kafka))
    written = 0
    for partition, source in sources.items():
        for topic, records in (("collect_state", changes(source, [])), ("sketches", source.reached.changes)):
            for key, value in records:
                send(producer, topics[topic].name, value, key, partition=partition)
                written += 1
                producer.poll(0)
    producer.flush(FLUSH_S)
    return written


def start_behind(kafka: KafkaOptions, group: str, topic: str, sources: Mapping[int, Source]) -> None:
    """Let a group that has no members go on behind what the sources have counted."""
    places = [TopicPartition(topic, partition, source.through + 1) for partition, source in sources.items()]
    consumer = Consumer({**plain_consumer_config(kafka), "group.id": group})
    try:
        consumer.commit(offsets=places, asynchronous=False)
    finally:
        consumer.close()
