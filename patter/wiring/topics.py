"""Topics made as the catalogue says, for the verbs that start roles."""

from patter.settings import Settings
from patter.wiring.kafka import kafka_options, topics_of
from streams.kafka.admin import apply


def apply_topics(settings: Settings) -> None:
    """Create what is missing. Raises LackingError where the broker is away or a partition count differs."""
    apply(kafka_options(settings), list(topics_of(settings).values()))
