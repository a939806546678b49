"""Reads a stretch of one partition again: what a worker has to remember before it goes on."""

from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, TopicPartition

from schemas.errors import Code, LackingError
from streams.kafka.config import KafkaOptions, plain_consumer_config

# A stretch of 200,000 offsets takes about a second; half a minute without a record means that the broker is gone.
SILENCE_POLLS = 30
POLL_RECORDS = 10_000


def read_window(
    options: KafkaOptions,
    topic: str,
    partition: int,
    start: int,
    end: int,
    put: Callable[[int, bytes | None, int], None],
) -> None:
    """Hand every record of [start, end) to `put` as (offset, value, timestamp in ms).

    Raises LackingError where the broker falls silent.
    """
    if start >= end:
        return
    consumer = Consumer(plain_consumer_config(options))
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), 15.0)
        if max(start, low) >= min(end, high):
            return
        consumer.assign([TopicPartition(topic, partition, max(start, low))])
        silent = 0
        while silent < SILENCE_POLLS:
            messages = consumer.consume(POLL_RECORDS, 1.0)
            silent = 0 if messages else silent + 1
            for message in messages:
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        return
                    continue
                offset = message.offset() or 0
                if offset >= end:
                    return
                value = message.value()
                put(
                    offset,
                    value if isinstance(value, bytes) or value is None else str(value).encode(),
                    message.timestamp()[1],
                )
                if offset == end - 1:
                    return
        raise LackingError(Code.BROKER_UNREACHABLE, "the log cannot be re-read", where=f"{topic}/{partition}/{start}")
    finally:
        consumer.close()
