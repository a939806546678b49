"""Orders that are known: what they brought, and whom that was credited to. Lines count once, and refunds find them."""

import msgspec
from msgspec import Struct

from streams.collect.numbered import NOWHERE
from streams.collect.rules import ORDER_MS

NOBODY = -1
"""In place of a decision: the line is credited to none."""


class Line(Struct, array_like=True, gc=False):
    """One order line. `revenue_minor` is None in another currency than the tenant's. From `decision` on it is about the
    decision that it is credited to.
    """

    revenue_minor: int | None
    quantity: int
    decision: int = NOBODY
    decided_ms: int = 0
    arm: int = 0
    copy: int = NOWHERE
    pair: int = NOWHERE
    weight: int = 0
    buyer: str = ""


class Order(Struct, array_like=True):
    """One order: the time of its first event, its lines, and the refunds that are known."""

    placed_ms: int
    lines: dict[str, Line] = {}
    refunds: list[str] = []


_decoder = msgspec.msgpack.Decoder(Order)
_encoder = msgspec.msgpack.Encoder()


def opened(data: bytes | None, high_ms: int) -> Order | None:
    """An order from its bytes; None where it is not known, or not any more."""
    order = None if data is None else _decoder.decode(data)
    return None if order is None or order.placed_ms < high_ms - ORDER_MS else order


def closed(order: Order) -> bytes:
    """An order as bytes."""
    return _encoder.encode(order)
