"""Kafka as the settings want it."""

import msgspec

from patter.settings import Settings
from schemas.topics import CATALOGUE, Topic
from streams.kafka.config import KafkaOptions


def kafka_options(settings: Settings, client_id: str = "patter") -> KafkaOptions:
    """Where the broker is and how it is spoken to."""
    kafka = settings.kafka
    return KafkaOptions(
        bootstrap=kafka.bootstrap, client=dict(kafka.client), delivery=kafka.delivery, client_id=client_id
    )


def group_of(settings: Settings, role: str) -> str:
    """The consumer group of a role, whose offsets say how far it has come."""
    return f"patter-{role}-{settings.tenant}"


def topics_of(settings: Settings) -> dict[str, Topic]:
    """The topic catalogue by logical name, with the names and partition counts of the settings."""
    topics = {}
    for topic in CATALOGUE:
        wish = settings.topics.get(topic.logical)
        topics[topic.logical] = (
            msgspec.structs.replace(topic, name=wish.name or topic.name, partitions=wish.partitions or topic.partitions)
            if wish
            else topic
        )
    return topics
