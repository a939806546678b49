"""A record of a topic, as the recount takes it: what `streams.kafka.dump` reads is one."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

Headers = Mapping[str, bytes | None] | Iterable[tuple[str, bytes | None]]


class Record(Protocol):
    """`timestamp_ms` is Kafka's. Headers are a mapping, or pairs."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp_ms(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class Place(Struct, frozen=True, gc=False):
    """Where a record stands in its topic."""

    partition: int
    offset: int


def listed(topic: str, places: Iterable[Place], count: int) -> str:
    """The first places of `count`, for a message."""
    shown = [f"{topic}/{place.partition}/{place.offset}" for _, place in zip(range(3), places, strict=False)]
    return ", ".join(shown) + (", ..." if count > len(shown) else "")
