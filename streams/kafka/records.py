"""Records as the loops see them: what was read, what is to be written."""

from collections.abc import Callable, Iterable
from typing import Protocol

from confluent_kafka import Message
from msgspec import Struct

Headers = tuple[tuple[str, bytes], ...]


class Record(Struct, frozen=True, gc=False):
    """One record of an input topic. `timestamp_ms` is Kafka's."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class Out(Struct, frozen=True, gc=False):
    """One record to publish. `timestamp_ms` 0 is the moment of sending; `partition` -1 lets the key decide."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0
    partition: int = -1


class Put(Protocol):
    """Hands over a record that is no more than topic, value and key. Raises BufferError while there is no room."""

    def __call__(self, topic: str, value: bytes, key: bytes, /) -> None: ...


class Batch(Struct, frozen=True):
    """What a step answers.

    `outs` are records to publish, to be gone through once. `bulk`, if there is one, is called before that, once, and
    puts the many plain records itself, each gone before the next is made; where there is no room it calls `wait` and
    puts again. Both may make records while they are being sent: that must neither wait nor fail for the world's sake.
    `hold` asks the loop to leave the input where it is and come again.
    """

    outs: Iterable[Out]
    bulk: Callable[[Put, Callable[[], None]], None] | None = None
    hold: bool = False


def record_of(message: Message) -> Record:
    """A confluent message as a plain value. Consumers here have no deserializers: keys and values are bytes or None."""
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
    )
