"""What generate was told."""

from msgspec import Struct


class GenerateTopics(Struct, frozen=True):
    """The names of generate's topics."""

    requests: str
    copy: str
    review: str
    dlq: str


class GenerateSetup(Struct, frozen=True, kw_only=True):
    """`expire_ms`: a request older than this is dropped, its shopper is long gone. `tries`: texts written for one
    request before it is given up until it is asked for again. `deadline_s` bounds one batch.
    """

    topics: GenerateTopics
    channel: str
    expire_ms: int = 600_000
    tries: int = 3
    deadline_s: float = 30.0
