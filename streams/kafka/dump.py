"""A topic's records, from the start to where it ended when the question was asked."""

from collections.abc import Collection, Iterator, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.errors import Code, LackingError
from streams.kafka.client_check import refused
from streams.kafka.cluster import METADATA_TIMEOUT_S, unreachable
from streams.kafka.config import Isolation, KafkaOptions, plain_consumer_config
from streams.kafka.dump_lines import DumpRecord, dump_line, parse_line
from streams.kafka.watermarks import watermarks

TO_THE_END = {
    # An end is only told after a fetch that found nothing, for which the broker waits half a second by default.
    "fetch.wait.max.ms": 20,
    "log_level": 0,
}
POLL_RECORDS = 10_000
# `consume` waits for the whole of it unless it is full: what a reader of a small topic waits at its end.
POLL_S = 0.05
# Without a record or an end for so long, the broker is gone.
SILENCE_S = 30.0
# What waiting does not mend. Anything else (a broker restarts, a leader moves) librdkafka tries again by itself.
FINAL = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - a public code, named so for being the client's own
        KafkaError._UNKNOWN_PARTITION,
    }
)

__all__ = ["DumpRecord", "dump_line", "parse_line", "read_topic"]


def read_topic(
    options: KafkaOptions,
    topic: str,
    isolation: Isolation = "read_committed",
    from_offsets: Mapping[int, int] | None = None,
    only: Collection[int] | None = None,
) -> Iterator[DumpRecord]:
    """Every record between the start (or `from_offsets`, by partition) and the end as it is at the call; of the
    partitions `only`, if given.

    The end is the high watermark, for read_committed the last stable offset. A partition's records come in order,
    partitions come interleaved. Raises LackingError (topic_missing, broker_unreachable) at the call, and
    LackingError (broker_unreachable, broker_failed) while reading.
    """
    try:
        consumer = Consumer({**plain_consumer_config(options, isolation=isolation), **TO_THE_END})
    except (KafkaException, TypeError, ValueError) as refusal:
        raise refused(options.client, refusal) from refusal
    try:
        ends = _assign(consumer, topic, from_offsets or {}, only)
    except KafkaException as failure:
        consumer.close()
        raise unreachable(options.bootstrap, failure.args[0].str()) from failure
    except BaseException:
        consumer.close()
        raise
    return _records(consumer, topic, ends)


def _assign(consumer: Consumer, topic: str, start: Mapping[int, int], only: Collection[int] | None) -> dict[int, int]:
    """Where each partition with anything to read ends."""
    known = consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics.get(topic)
    if known is None:
        raise LackingError(Code.TOPIC_MISSING, f"topic {topic} does not exist", hint="patter topics apply")
    ends: dict[int, int] = {}
    places = []
    for partition in sorted(known.partitions if only is None else only):
        low, high = watermarks(consumer, topic, partition, SILENCE_S)
        first = max(low, start.get(partition, low))
        if first < high:
            ends[partition] = high
            places.append(TopicPartition(topic, partition, first))
    consumer.assign(places)
    return ends


def _records(consumer: Consumer, topic: str, ends: dict[int, int]) -> Iterator[DumpRecord]:
    try:
        yield from _until(consumer, topic, ends)
    finally:
        consumer.close()


def _until(consumer: Consumer, topic: str, ends: dict[int, int]) -> Iterator[DumpRecord]:
    silent = 0.0
    while ends:
        messages = consumer.consume(POLL_RECORDS, POLL_S)
        silent += POLL_S
        if silent > SILENCE_S:
            raise LackingError(Code.BROKER_UNREACHABLE, "the broker fell silent", where=f"{topic}/{min(ends)}")
        for message in messages:
            partition, offset, error = message.partition() or 0, message.offset() or 0, message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                if error.fatal() or error.code() in FINAL:
                    raise LackingError(Code.BROKER_FAILED, error.str(), where=f"{topic}/{partition}")
                continue
            silent = 0.0
            # The last records may be transaction markers, which are never handed out: the end is told by partition
            # EOF, or by a record beyond it where the topic goes on growing.
            if partition in ends and error is None and offset < ends[partition]:
                yield DumpRecord(
                    topic,
                    partition,
                    offset,
                    message.timestamp()[1],
                    _bytes(message.key()),
                    _bytes(message.value()),
                    tuple((name, _bytes(value)) for name, value in message.headers() or ()),
                )
            if offset >= ends.get(partition, offset + 1) - (error is None):
                ends.pop(partition, None)


def _bytes(value: object) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else str(value).encode()
