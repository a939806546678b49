"""What a source publishes after a batch: its state, its sketches, the cells that changed, and its progress."""

from collections.abc import Iterator, Sequence

import msgspec

from schemas.cells import TOTAL
from schemas.partials import Partial, Progress, partial_key, progress_key
from streams.collect.changelog import changes
from streams.collect.counts import Place
from streams.collect.setup import CollectTopics
from streams.collect.source import Source
from streams.kafka.partitions import partition_of
from streams.kafka.records import Out

_encode = msgspec.json.Encoder().encode


def published(source: Source, partition: int, topics: CollectTopics, gone: Sequence[Place]) -> Iterator[Out]:
    """The records of a batch for one partition. The progress record is last."""
    for key, value in changes(source, gone):
        yield Out(topics.state, key, value, partition=partition)
    for key, value in source.reached.changes:
        yield Out(topics.sketches, key, value, partition=partition)
    counts = source.counts
    for place in counts.changed:
        yield _partial(source, counts.cell(place).text(), counts.counters(place), topics)
    for pair in counts.sums.changed:
        yield _partial(source, counts.sums.cell(pair).text(), counts.sums.counters(pair), topics)
    yield _partial(source, TOTAL.text(), {name: count for name, count in counts.total.items() if count}, topics)
    for place in gone:
        yield _partial(source, counts.cell(place).text(), None, topics)
    key = progress_key(source.name).encode()
    value = _encode(Progress(source=source.name, through=source.through, high_ms=counts.high_ms))
    yield Out(topics.partials, key, value, partition=partition_of(key, topics.partial_partitions))


def _partial(source: Source, cell: str, counters: dict[str, int] | None, topics: CollectTopics) -> Out:
    value = None
    if counters is not None:
        value = _encode(Partial(source=source.name, cell=cell, through=source.through, counters=counters))
    # Every source of a cell meets in the cell's partition; compaction keeps one record for each source.
    partition = partition_of(cell.encode(), topics.partial_partitions)
    return Out(topics.partials, partial_key(source.name, cell).encode(), value, partition=partition)
