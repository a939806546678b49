"""Where a partition begins and ends, asked with the patience that a moving leader needs."""

import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

ATTEMPT_S = 5.0
PAUSE_S = 0.02


def watermarks(consumer: Consumer, topic: str, partition: int, timeout_s: float) -> tuple[int, int]:
    """(first offset, end) as the broker has it now; the end is the last stable offset for a read_committed consumer.

    librdkafka does not try again where the broker answers that it does not lead the partition, which is what it says
    of a topic that has only just been created. Raises KafkaException when `timeout_s` has passed.
    """
    deadline = time.monotonic() + timeout_s
    place = TopicPartition(topic, partition)
    while True:
        try:
            low, high = consumer.get_watermark_offsets(place, min(ATTEMPT_S, timeout_s), cached=False)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_S)
        else:
            return low, high


def watermarks_with(consumer: Consumer, topic: str, partition: int, offset: int, timeout_s: float) -> tuple[int, int]:
    """`watermarks`, waiting until the end is not before `offset`, which was committed and so was there once.

    A broker that comes back from a crash knows for a moment only an older end. Whoever took that for the truth would
    read again, and decide again, what is done. After `timeout_s` the log really is shorter: it was made anew.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        low, high = watermarks(consumer, topic, partition, timeout_s)
        if high >= offset or time.monotonic() > deadline:
            return low, high
        time.sleep(PAUSE_S)
