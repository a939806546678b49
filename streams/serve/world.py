"""The states that a batch is decided in: the same for all of its events."""

from msgspec import Struct

from inference.decide.facts import Facts
from inference.decide.policy import Policy
from streams.broadcast.pool import Pool


class Stamp(Struct, frozen=True):
    """What a menu depends on besides its product and that product's texts."""

    policy: Policy
    price_known: bool


class World(Struct, frozen=True):
    """`now_ms` is the decisions' time. `stamp` is the same object for as long as policy and `price_known` are.

    `price_known` says that no price on record can be older than 2 s; `changed` are the products whose record or texts
    are not those of the batch before.
    """

    now_ms: int
    catalogue: dict[str, Facts]
    pool: Pool
    stamp: Stamp
    changed: frozenset[str]

    @property
    def policy(self) -> Policy:
        """The policy that draws."""
        return self.stamp.policy

    @property
    def price_known(self) -> bool:
        """Whether prices may be shown."""
        return self.stamp.price_known


def stamp_of(policy: Policy, before: Stamp | None, *, price_known: bool) -> Stamp:
    """`before`, if it still holds, or a new one."""
    if before is not None and before.policy is policy and before.price_known == price_known:
        return before
    return Stamp(policy, price_known)
