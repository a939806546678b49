"""An open loop: events are sent when they are due, and a reader notes when their outputs appear."""

import gc
import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from patter.bench.shop import EventSource
from streams.kafka.config import KafkaOptions, plain_consumer_config, producer_config

# Records are handed to the client in slices of this length: finer than what is measured.
SLICE_S = 0.002
GRACE_S = 5.0
_MARK = b'"event_id":"'


def open_loop(
    options: KafkaOptions,
    source_topic: str,
    output_topic: str,
    source: EventSource,
    rate: float,
    seconds: float,
    warm_s: float,
) -> list[float]:
    """Latencies in ms, from when an event was due to when a read_committed reader saw the output that names it."""
    due: dict[bytes, float] = {}
    delays: list[float] = []
    stop = threading.Event()
    reader = Consumer(plain_consumer_config(options))
    partitions = reader.list_topics(output_topic, timeout=10).topics[output_topic].partitions
    places = []
    for partition in partitions:
        _, high = reader.get_watermark_offsets(TopicPartition(output_topic, partition), 10)
        places.append(TopicPartition(output_topic, partition, high))
    reader.assign(places)

    def follow() -> None:
        while not stop.is_set():
            messages = reader.consume(2_000, 0.005)
            now = time.monotonic()
            for message in messages:
                value = message.value()
                if message.error() is None and isinstance(value, bytes):
                    at = value.index(_MARK) + len(_MARK)
                    moment = due.pop(value[at : value.index(b'"', at)], None)
                    if moment is not None:
                        delays.append((now - moment) * 1000)

    thread = threading.Thread(target=follow, daemon=True)
    # The harness shares the machine: its garbage collector must not be what is measured.
    gc.collect()
    gc.freeze()
    thread.start()
    producer = Producer({**producer_config(options), "linger.ms": 1})
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        moment = began + number / rate
        while (ahead := moment - time.monotonic()) > SLICE_S:
            producer.poll(0)
            time.sleep(min(ahead, SLICE_S))
        key, value, event_id = source.next()
        if number / rate >= warm_s:
            due[event_id.encode()] = moment
        producer.produce(source_topic, value=value, key=key)
    producer.flush(30)
    deadline = time.monotonic() + GRACE_S
    while due and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(5)
    reader.close()
    return delays
