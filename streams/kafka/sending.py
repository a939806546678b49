"""Handing a record to the client where its queue may be full."""

from typing import Any

from confluent_kafka import Producer

# Long enough to let some records go, short enough not to keep the sender from its schedule.
WAIT_S = 0.05


def send(producer: Producer, topic: str, value: bytes | None, key: bytes | None, **more: Any) -> None:
    """Produce; where there is no room, serve delivery reports until there is. `more` is what else `produce` takes."""
    while True:
        try:
            producer.produce(topic, value=value, key=key, **more)
        except BufferError:
            producer.poll(WAIT_S)
        else:
            return
