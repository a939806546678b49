"""What copy may say about a product: its facts as slot values, all of them verbatim from the record.

There is no slot for a computed figure (a price before the discount, an amount saved): it would stand in no record.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from inference.generate.grammar import with_grammar
from schemas.catalog import Product
from schemas.money import written

PRICE_SLOTS = frozenset({"PRICE", "OFF"})
"""Slots whose value changes from hour to hour; text that holds one is not shown while the catalogue may be behind."""

_RECORDED = (
    "product_id",
    "name",
    "category",
    "price_minor",
    "currency",
    "brand",
    "color",
    "material",
    "size",
    "features",
    "discount_percent",
    "rating",
    "stock",
    "asset_ids",
)
# A column of the shop's may hold a paragraph; copy for a phone screen can use none of that.
_LONGEST_FACT = 60


class Facts(Struct, frozen=True, gc=False):
    """A product made ready for copy: slot values, which slots it has, and its JSON for the decision record."""

    product: Product
    values: Mapping[str, str]
    slots: frozenset[str]
    encoded: Raw


def facts_of(product: Product) -> Facts:
    """The facts of a product."""
    values = with_grammar(slot_values(product))
    recorded = {name: value for name in _RECORDED if (value := getattr(product, name)) not in (None, [])}
    return Facts(product, values, frozenset(values), Raw(msgspec.json.encode(recorded)))


def slot_values(product: Product) -> dict[str, str]:
    """Slot name -> what stands in it. Slots without a value are left out."""
    values = {
        "NAME": product.name,
        "PRICE": written(product.price_minor, product.currency),
        "CATEGORY": product.category,
        # "Acme Kettle from Acme" reads like a slip.
        "BRAND": product.brand if product.brand and product.brand.casefold() not in product.name.casefold() else None,
        "COLOR": product.color,
        "MATERIAL": product.material,
        "SIZE": product.size,
        "OFF": f"{product.discount_percent:g}%" if product.discount_percent else None,
        "RATING": f"{product.rating:g}" if product.rating is not None else None,
        "FEATURE": product.features[0].rstrip(" .") if product.features else None,
        "FEATURE2": product.features[1].rstrip(" .") if len(product.features) > 1 else None,
    }
    clean = {slot: " ".join(value.split()) for slot, value in values.items() if value}
    return {slot: value for slot, value in clean.items() if value and (slot == "NAME" or len(value) <= _LONGEST_FACT)}
