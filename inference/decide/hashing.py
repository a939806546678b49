"""Chance that repeats itself: numbers in [0, 1) that are a function of names, so that a replay draws the same."""

from hashlib import blake2b

_SEPARATOR = "\x1f"
_SCALE = 2.0**-53
PERSON = b"patter.decision"
"""Sets the hash of decision ids apart from every other (BLAKE2's personalisation)."""


def unit(*names: str) -> float:
    """A number in [0, 1), uniform over distinct `names`, from 53 bits of BLAKE2b."""
    return unit_of(blake2b(_SEPARATOR.join(names).encode("utf-8", "surrogatepass"), digest_size=8).digest())


def unit_of(digest: bytes) -> float:
    """A number in [0, 1) from the upper 53 bits of 8 bytes: as many as a float holds exactly."""
    return (int.from_bytes(digest, "big") >> 11) * _SCALE


def seed_of(*names: str) -> int:
    """A 128-bit seed for a random generator."""
    digest = blake2b(_SEPARATOR.join(names).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return int.from_bytes(digest, "big")


def text_seed(*names: str) -> int:
    """The seed of a text: 63 bits, which every reader of JSON holds as a positive integer."""
    return seed_of(*names) >> (128 - 63)


def tenant_prefix(tenant: str) -> bytes:
    """What is hashed before an event's id."""
    return f"{tenant}{_SEPARATOR}".encode("utf-8", "surrogatepass")


def decision_id(tenant: str, event_id: str) -> bytes:
    """The 16 bytes by which a decision is known: one event of one tenant has one, however often it is decided."""
    return DecisionIds(tenant).of(event_id)


class DecisionIds:
    """`decision_id` for one tenant, whose part of the hash is taken once."""

    def __init__(self, tenant: str) -> None:
        self._begun = blake2b(tenant_prefix(tenant), digest_size=16, person=PERSON)

    def of(self, event_id: str) -> bytes:
        """The decision id of an event."""
        begun = self._begun.copy()
        begun.update(event_id.encode("utf-8", "surrogatepass"))
        return begun.digest()
