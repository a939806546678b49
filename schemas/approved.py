"""Approved copy as training reads it: a text of the shop's own, with the product that it was written for."""

from typing import Any

from msgspec import Struct

from schemas.catalog import Product


class ApprovedCopy(Struct, frozen=True, kw_only=True):
    """One text. It holds real facts ("Harbor Kettle for $39.00"), not slots; `cta` is None where it is not known.

    `impressions`, `clicks` and `orders` are what it was seen to do, `time` when (RFC 3339). `file` and `line` say where
    it stood, `row` what stood there.
    """

    product: Product
    text: str
    segment: str = "any"
    tone: str = "plain"
    cta: str | None = None
    channel: str = "push"
    impressions: int | None = None
    clicks: int | None = None
    orders: int | None = None
    time: str | None = None
    file: str
    line: int
    row: dict[str, Any]


class RejectedRow(Struct, frozen=True, kw_only=True):
    """A row that was left out. `stage`: it could not be read, or it does not do to learn from. `row` is what stood
    there; a line that holds no row stands under `raw`.
    """

    stage: str
    file: str
    line: int
    field: str
    reason: str
    row: dict[str, Any]
