"""The states that a batch is decided in: the same for all of its events."""

from datetime import UTC, datetime

from msgspec import Struct

from inference.decide.facts import Facts
from inference.decide.policy import Policy
from streams.broadcast.pool import Pool


class World(Struct, frozen=True):
    """`now_ms` is the decisions' time, `now_text` the same in RFC 3339, `now_bytes` in tokens.

    `price_known` says that no price on record can be older than 2 s. `stamp` is the same object for as long as policy,
    pool and `price_known` are.
    """

    now_ms: int
    now_text: bytes
    now_bytes: bytes
    policy: Policy
    catalogue: dict[str, Facts]
    pool: Pool
    price_known: bool
    stamp: object


class Stamp(Struct, frozen=True):
    """What a menu depends on besides its product."""

    policy: Policy
    pool_version: int
    price_known: bool


def stamp_of(policy: Policy, pool: Pool, before: Stamp | None, *, price_known: bool) -> Stamp:
    """`before`, if it still holds, or a new one."""
    if (
        before is not None
        and before.policy is policy
        and before.pool_version == pool.version
        and before.price_known == price_known
    ):
        return before
    return Stamp(policy, pool.version, price_known)


def world_at(now_ms: int, stamp: Stamp, catalogue: dict[str, Facts], pool: Pool) -> World:
    """The world at a moment."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
    clock = now_ms.to_bytes(6, "big")
    return World(now_ms, now, clock, stamp.policy, catalogue, pool, stamp.price_known, stamp)
