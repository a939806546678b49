"""Reads one partition from its beginning to where it stably ends: what a worker is restored from."""

from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from schemas.errors import Code, LackingError
from streams.kafka.config import KafkaOptions, plain_consumer_config

POLL_RECORDS = 10_000
# A poll that is not full waits this long, also where the end has come.
POLL_S = 0.05
# Half a minute without a record and without an end means that the broker is gone.
SILENCE_POLLS = 600


def read_whole(
    options: KafkaOptions, topic: str, partition: int, put: Callable[[bytes | None, bytes | None], None]
) -> None:
    """Hand key and value of every record to `put`, those of committed transactions only.

    The end is found by partition EOF: compacted and transactional topics have holes. Raises LackingError
    (broker_unreachable) where the broker falls silent.
    """
    consumer = Consumer(plain_consumer_config(options))
    try:
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
        silent = 0
        while silent < SILENCE_POLLS:
            messages = consumer.consume(POLL_RECORDS, POLL_S)
            silent = 0 if messages else silent + 1
            for message in messages:
                error = message.error()
                if error is None:
                    put(_bytes(message.key()), _bytes(message.value()))
                elif error.code() == KafkaError._PARTITION_EOF:
                    return
        raise LackingError(Code.BROKER_UNREACHABLE, "the state cannot be read", where=f"{topic}/{partition}")
    finally:
        consumer.close()


def _bytes(data: bytes | str | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data
