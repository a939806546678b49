"""Measures whether a broker isolates transactions, instead of believing its name.

A record is written in a transaction that is aborted, another in one that is committed; a read_committed reader must see
the second and not the first.
"""

from confluent_kafka import KafkaException, Producer

from streams.kafka.config import KafkaOptions, transactional_config
from streams.kafka.dump import read_topic

TIMEOUT_S = 30.0


def transactions_isolated(options: KafkaOptions, topic: str, run_id: str) -> bool:
    """Whether aborted records stay hidden and committed ones come through. False also where transactions fail."""
    aborted, committed = f"{run_id}:aborted".encode(), f"{run_id}:committed".encode()
    try:
        producer = Producer(transactional_config(options, f"patter-probe-{run_id}"))
        producer.init_transactions(TIMEOUT_S)
        producer.begin_transaction()
        producer.produce(topic, value=aborted, key=run_id.encode())
        producer.flush(TIMEOUT_S)
        producer.abort_transaction(TIMEOUT_S)
        producer.begin_transaction()
        producer.produce(topic, value=committed, key=run_id.encode())
        producer.commit_transaction(TIMEOUT_S)
        seen = {record.value for record in read_topic(options, topic, "read_committed")}
    except KafkaException:
        return False
    return committed in seen and aborted not in seen
