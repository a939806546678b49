"""The input log: what a shop's shoppers did. One tagged union, told apart by `kind`.

Fields that Patter does not know are allowed and ignored: a shop may send more than Patter reads.
"""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.ids import EventId, Id, OrderId, ProductId, UserId

Time = Annotated[datetime, Meta(tz=True)]
Minor = Annotated[int, Meta(ge=0, le=10**15)]
# Nobody sells a thousand million of a thing; a number without end could not be kept in any field.
Quantity = Annotated[int, Meta(ge=1, le=10**9)]
Position = Annotated[int, Meta(ge=0)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
# At most what a token of any version can be; a longer string is no token, and no reason to keep megabytes of it.
Token = Annotated[str, Meta(max_length=512)]


class _Event(Struct, frozen=True, kw_only=True, tag_field="kind", gc=False):
    event_id: EventId
    user_id: UserId
    time: Time
    session_id: str | None = None
    user_agent: str | None = None
    position: Position | None = None


class ProductViewed(_Event, frozen=True, kw_only=True, gc=False, tag="product_viewed"):
    """A shopper opened a product."""

    product_id: ProductId
    price_minor: Minor | None = None
    price: float | str | None = None


class ListViewed(_Event, frozen=True, kw_only=True, gc=False, tag="list_viewed"):
    """A shopper saw a list; it asks for a decision where it names the product that copy is wanted for."""

    product_id: ProductId | None = None


class Searched(_Event, frozen=True, kw_only=True, gc=False, tag="searched"):
    """A shopper searched."""

    query: str | None = None
    product_id: ProductId | None = None


class CartAdded(_Event, frozen=True, kw_only=True, gc=False, tag="cart_added"):
    """A shopper put a product into the cart."""

    product_id: ProductId
    quantity: Quantity | None = None
    price_minor: Minor | None = None
    price: float | str | None = None
    token: Token | None = None


class CartRemoved(_Event, frozen=True, kw_only=True, gc=False, tag="cart_removed"):
    """A shopper took a product out of the cart."""

    product_id: ProductId
    quantity: Quantity | None = None
    price_minor: Minor | None = None
    price: float | str | None = None


class CopyImpression(_Event, frozen=True, kw_only=True, gc=False, tag="copy_impression"):
    """A shopper saw copy; `token` names the decision."""

    token: Token
    product_id: ProductId | None = None


class CopyClick(_Event, frozen=True, kw_only=True, gc=False, tag="copy_click"):
    """A shopper clicked copy; `token` names the decision."""

    token: Token
    product_id: ProductId | None = None


class OrderLine(Struct, frozen=True, kw_only=True):
    """One line of an order. `revenue_minor` is the line's total in minor units of the order's currency."""

    line: Id | int
    product_id: ProductId
    quantity: Quantity
    revenue_minor: Minor
    token: Token | None = None


class OrderPlaced(_Event, frozen=True, kw_only=True, gc=False, tag="order_placed"):
    """A shopper ordered."""

    order_id: OrderId
    currency: Currency
    lines: Annotated[list[OrderLine], Meta(min_length=1)]
    token: Token | None = None


class RefundLine(Struct, frozen=True, kw_only=True):
    """One line of a refund; without an amount the whole line is refunded."""

    line: Id | int
    quantity: Quantity | None = None
    revenue_minor: Minor | None = None


class OrderRefunded(_Event, frozen=True, kw_only=True, gc=False, tag="order_refunded"):
    """An order, or lines of it, was refunded."""

    refund_id: Id
    order_id: OrderId
    lines: list[RefundLine] | UnsetType | None = UNSET


class Identified(_Event, frozen=True, kw_only=True, gc=False, tag="identified"):
    """A shopper whom the shop knew as `anonymous_id` is now `user_id`."""

    anonymous_id: Id


Event = (
    ProductViewed
    | ListViewed
    | Searched
    | CartAdded
    | CartRemoved
    | CopyImpression
    | CopyClick
    | OrderPlaced
    | OrderRefunded
    | Identified
)

KIND_OF: dict[type[Event], str] = {kind: str(kind.__struct_config__.tag) for kind in Event.__args__}
KINDS: tuple[str, ...] = tuple(KIND_OF.values())
