"""What generate was told."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from inference.decide.assign import Recipe

Review = Literal["auto", "sensitive", "all"]
"""Which texts that pass every check wait for a person all the same."""


class GenerateTopics(Struct, frozen=True):
    """The names of generate's topics."""

    requests: str
    copy: str
    review: str
    dlq: str


class GenerateSetup(Struct, frozen=True, kw_only=True):
    """`partitions` are those of the requests. `expire_ms`: a request older than this is dropped, its shopper is long
    gone. `candidates` texts are wanted for a key, of which `active` are shown; after `tries` rounds the request is left
    with what it has, or given up until it is asked for again. `creativity` is lambda where nobody has said otherwise.
    `deadline_s` bounds one call of the writer. `recipes` say by variant what is asked for where a text is retired.
    """

    topics: GenerateTopics
    channel: str
    partitions: int
    expire_ms: int = 600_000
    tries: int = 3
    candidates: int = 1
    active: int = 1
    creativity: float = 0.5
    review: Review = "auto"
    deadline_s: float = 30.0
    recipes: Mapping[str, Recipe] = {}
