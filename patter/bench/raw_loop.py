"""The baseline: a confluent-kafka consume-produce transaction loop that does no work at all.

Same client settings, batch limits and delivery as serve, nothing decoded, nothing decided: what is left is what Kafka
costs. Run as a process of its own: `python -m patter.bench.raw_loop BOOTSTRAP IN OUT GROUP BATCH_MS BATCH_RECORDS`. It
prints a line of JSON when it has its partitions, and one for each line it reads on stdin (its record count and CPU
seconds), until that ends.
"""

import json
import sys
import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from streams.kafka.config import KafkaOptions, consumer_config, transactional_config


def main() -> None:
    """Run until stdin ends."""
    bootstrap, source, target, group, batch_ms, batch_records = sys.argv[1:7]
    options = KafkaOptions(bootstrap=bootstrap, client_id="raw")
    counts = {"records": 0.0}
    stop = threading.Event()
    producer = Producer(transactional_config(options, f"{group}.raw-0"))
    producer.init_transactions(30)
    consumer = Consumer(consumer_config(options, group, "raw-0"))
    consumer.subscribe([source], on_assign=lambda *_: print(json.dumps({"ready": True}), flush=True))  # noqa: T201

    def answer() -> None:
        for _ in sys.stdin:
            print(json.dumps({**counts, "cpu_s": time.process_time()}), flush=True)  # noqa: T201
        stop.set()

    threading.Thread(target=answer, daemon=True).start()
    limit, wait = int(batch_records), int(batch_ms) / 1000
    while not stop.is_set():
        messages = consumer.consume(limit, wait)
        if not messages:
            continue
        offsets: dict[int, int] = {}
        producer.begin_transaction()
        for message in messages:
            while True:
                try:
                    producer.produce(target, value=message.value(), key=message.key())
                    break
                except BufferError:
                    producer.poll(0.05)
            offsets[message.partition()] = message.offset() + 1
        producer.send_offsets_to_transaction(
            [TopicPartition(source, partition, offset) for partition, offset in offsets.items()],
            consumer.consumer_group_metadata(),
        )
        producer.commit_transaction()
        counts["records"] += len(messages)
    consumer.close()


if __name__ == "__main__":
    main()
