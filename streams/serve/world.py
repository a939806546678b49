"""The states that a batch is decided in: the same for all of its events."""

from datetime import UTC, datetime

from msgspec import Struct

from inference.decide.facts import Facts
from inference.decide.policy import Policy
from streams.broadcast.pool import Pool


class World(Struct, frozen=True):
    """`now_ms` and `now` are the decisions' time; `price_known` says that no price on record can be older than 2 s."""

    now_ms: int
    now: str
    now_bytes: bytes
    policy: Policy
    catalogue: dict[str, Facts]
    pool: Pool
    price_known: bool


def world_at(now_ms: int, policy: Policy, catalogue: dict[str, Facts], pool: Pool, *, price_known: bool) -> World:
    """The world at a moment."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return World(now_ms, now, now_ms.to_bytes(6, "big"), policy, catalogue, pool, price_known)
