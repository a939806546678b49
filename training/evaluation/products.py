"""Invented products for an evaluation: names and facts that no training has seen, of every category, one and several.

A name that a shop would give, and only now and then every fact: what a shop knows of its products is patchy.
"""

import random
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from schemas.catalog import Product

# How often a product has a fact, as `training.pairs` guesses it for a mixed shop.
_SHARES = {"brand": 0.6, "color": 0.5, "material": 0.5, "size": 0.35, "rating": 0.4, "discount_percent": 0.35}
_FEATURES = ((), (0,), (0, 1))
_DISCOUNTS = (5, 10, 12.5, 15, 20, 25, 30, 40, 50)
_CURRENCIES = ("USD", "USD", "USD", "EUR", "GBP")
# Of names: "Lindholm Trail Boots", with a code behind, with an addition.
_PLAIN, _CODED = 0.7, 0.85


class Invented(Struct, frozen=True):
    """A product, the corpus's word for its category, and whether its name stands for several things."""

    product: Product
    category: str
    several: bool


def invent(categories: Sequence[str], count: int, seed: int) -> list[Invented]:
    """`count` different products over `categories` in turn; the same arguments give the same products.

    Raises KeyError for a category that `products.toml` does not hold.
    """
    rng = random.Random(seed)
    parts = _parts()
    found: list[Invented] = []
    names: set[str] = set()
    while len(found) < count:
        category = categories[len(found) % len(categories)]
        one = _invented(f"invented-{len(found) + 1}", category, parts, rng)
        while one.product.name in names:
            one = _invented(one.product.product_id, category, parts, rng)
        names.add(one.product.name)
        found.append(one)
    return found


def known_categories() -> tuple[str, ...]:
    """The categories that products can be invented for."""
    return tuple(name for name, value in _parts().items() if isinstance(value, dict))


def _invented(product_id: str, category: str, parts: dict[str, Any], rng: random.Random) -> Invented:
    own = parts[category]
    several = rng.random() < 0.5
    noun = rng.choice(own["several" if several else "one"])
    facts = {fact for fact, share in _SHARES.items() if rng.random() < share}
    features = rng.sample(own["features"], 2)
    low, high = own["price"]
    product = Product(
        product_id=product_id,
        name=_name(noun, parts, rng),
        category=rng.choice(own["labels"]),
        price_minor=rng.randrange(low, high, 50) + rng.choice((0, 49)),
        currency=rng.choice(_CURRENCIES),
        brand=rng.choice(parts["brands"]) if "brand" in facts else None,
        color=rng.choice(parts["colors"]) if "color" in facts else None,
        material=rng.choice(own["materials"]) if "material" in facts else None,
        size=rng.choice(own["sizes"]) if "size" in facts else None,
        features=[features[place] for place in rng.choice(_FEATURES)],
        discount_percent=rng.choice(_DISCOUNTS) if "discount_percent" in facts else None,
        rating=round(rng.uniform(3.4, 5), 1) if "rating" in facts else None,
    )
    return Invented(product, category, several)


def _name(noun: str, parts: dict[str, Any], rng: random.Random) -> str:
    kind = rng.random()
    given = f"{rng.choice(parts['given'])} {noun}"
    if kind < _PLAIN:
        return given
    return f"{given} {rng.choice(parts['codes'] if kind < _CODED else parts['additions'])}"


@cache
def _parts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("products.toml").read_text("utf-8"))
