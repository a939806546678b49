"""From which offset on collect counted by which rules on bots and which experiments, and sketches: it keeps them with
its state.
"""

from collections import defaultdict
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from features.aggregates.records import NOWHERE
from schemas.agents import RULES_KIND, RulesSpan
from schemas.trial_groups import TRIALS_KIND, TrialsSpan
from streams.collect.changelog import META, Meta
from streams.kafka.config import KafkaOptions
from streams.kafka.dump import read_topic

_span = msgspec.json.Decoder(RulesSpan)
_trials = msgspec.json.Decoder(TrialsSpan)
_meta = msgspec.msgpack.Decoder(Meta)


class Spans(Struct, frozen=True):
    """By partition, in their order. `since` is from where on sketches are counted, for those that have any."""

    rules: Mapping[int, tuple[RulesSpan, ...]]
    trials: Mapping[int, tuple[TrialsSpan, ...]]
    since: Mapping[int, int]


def counted_by(options: KafkaOptions, topic: str, sources: Mapping[int, str]) -> Spans:
    """What collect has counted by; `sources` are the names of the partitions' sources.

    Raises LackingError where the broker or the topic is not there.
    """
    rules: defaultdict[int, dict[int, RulesSpan]] = defaultdict(dict)
    trials: defaultdict[int, dict[int, TrialsSpan]] = defaultdict(dict)
    since: dict[int, int] = {}
    for record in read_topic(options, topic, only=list(sources)):
        source, _, rest = (record.key or b"").decode("utf-8", "replace").partition("|")
        kind, _, number = rest.partition("|")
        if source != sources[record.partition] or not record.value:
            continue
        if kind == RULES_KIND:
            rules[record.partition][int(number)] = _span.decode(record.value)
        elif kind == TRIALS_KIND:
            trials[record.partition][int(number)] = _trials.decode(record.value)
        elif kind == META:
            since[record.partition] = _meta.decode(record.value).since
    return Spans(
        {partition: tuple(spans[number] for number in sorted(spans)) for partition, spans in rules.items()},
        {partition: tuple(spans[number] for number in sorted(spans)) for partition, spans in trials.items()},
        {partition: offset for partition, offset in since.items() if offset != NOWHERE},
    )
