"""What fatigue has retired, as its topic has it."""

import msgspec

from patter.settings import Settings
from patter.wiring.kafka import kafka_options, topics_of
from schemas.retirements import Retirement
from streams.kafka.dump import read_topic


def retirements(settings: Settings) -> list[Retirement]:
    """Every retirement there was, the oldest first; a text that two records retire in a segment stands there once.

    Raises LackingError where the broker or the topic is missing.
    """
    decoder = msgspec.json.Decoder(Retirement)
    found: dict[str, Retirement] = {}
    for record in read_topic(kafka_options(settings), topics_of(settings)["retirements"].name):
        if record.value:
            retirement = decoder.decode(record.value)
            found.setdefault(retirement.key(), retirement)
    return list(found.values())
