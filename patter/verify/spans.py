"""From which offset on collect counted by which rules on bots: it keeps them with its state."""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from schemas.agents import RULES_KIND, RulesSpan
from streams.kafka.config import KafkaOptions
from streams.kafka.dump import read_topic

_span = msgspec.json.Decoder(RulesSpan)


def rules_spans(options: KafkaOptions, topic: str, sources: Mapping[int, str]) -> dict[int, tuple[RulesSpan, ...]]:
    """By partition, in their order; `sources` are the names of the partitions' sources.

    Raises LackingError where the broker or the topic is not there.
    """
    prefixes = {partition: f"{source}|{RULES_KIND}|".encode() for partition, source in sources.items()}
    found: defaultdict[int, dict[int, RulesSpan]] = defaultdict(dict)
    for record in read_topic(options, topic, only=list(prefixes)):
        prefix = prefixes[record.partition]
        if record.key is not None and record.key.startswith(prefix) and record.value:
            found[record.partition][int(record.key[len(prefix) :])] = _span.decode(record.value)
    return {partition: tuple(spans[number] for number in sorted(spans)) for partition, spans in found.items()}
