"""A product's record on `patter.catalog.v1`: the facts that copy may state, and nothing else may."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.events import Currency, Minor
from schemas.ids import Name, ProductId


class Product(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One product. Key of the record: product_id; an empty value removes it.

    `extra` keeps the columns of the user's file that Patter does not read. `discount_percent` is 0..100,
    `margin_share` the gross margin as a share of the price, 0..1; `features` are short noun phrases.
    """

    product_id: ProductId
    name: Name
    category: Name
    price_minor: Minor
    currency: Currency
    brand: str | None = None
    description: str | None = None
    features: list[str] = []
    material: str | None = None
    color: str | None = None
    size: str | None = None
    discount_percent: Annotated[float, Meta(ge=0, le=100)] | None = None
    stock: int | None = None
    margin_share: Annotated[float, Meta(ge=0, le=1)] | None = None
    rating: float | None = None
    gtin: str | None = None
    item_group_id: str | None = None
    url: str | None = None
    asset_ids: list[str] = []
    extra: dict[str, str] = {}
