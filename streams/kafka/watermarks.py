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
