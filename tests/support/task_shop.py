"""A shop for typed tasks: products in several categories, approved copy for them, and what its shoppers say."""

import random

from schemas.approved import ApprovedCopy
from schemas.catalog import Product
from schemas.labelled import LabelledText

CATEGORIES = ("Kettles", "Lamps", "Scarves", "Boots", "Desks")
_THINGS = {"Kettles": "Kettle", "Lamps": "Lamp", "Scarves": "Scarf", "Boots": "Boot", "Desks": "Desk"}
_PLACES = ("Harbor", "Ridge", "Fern", "Cedar", "Dune", "Wren", "Moss", "Tarn")
_COLORS, _MATERIALS = ("blue", "green", "black"), ("steel", "wool", "oak")
_SAID = {
    "order": ("I want to buy {}", "please order {} for me", "add {} to my basket"),
    "return": ("I want my money back for {}", "send {} back", "{} is broken, I return it"),
}


def shop(count: int = 60) -> list[Product]:
    """Products with a brand, a colour, a material and a description; every fourth has a feature and a discount."""
    found = []
    for number in range(count):
        category = CATEGORIES[number % len(CATEGORIES)]
        thing, place = _THINGS[category], _PLACES[number % len(_PLACES)]
        color, material = _COLORS[number % 3], _MATERIALS[number % 2]
        fourth = number % 4 == 0
        found.append(
            Product(
                product_id=f"p{number}",
                name=f"{place} {thing} No {'I' * (number // 40 + 1)}",
                category=category,
                price_minor=1000 + 50 * number,
                currency="USD",
                brand=("Acme", "Brightwell", "Northway")[number % 3],
                color=color,
                material=material if number % 5 else None,
                features=["folds away"] if fourth else [],
                discount_percent=10.0 if fourth else None,
                description=f"A {thing.lower()} for {place.lower()} mornings, travel and garden.",
            )
        )
    return found


def copies(products: list[Product]) -> list[ApprovedCopy]:
    """Two approved texts a product."""
    found = []
    for number, product in enumerate(products):
        price = f"${product.price_minor / 100:.2f}"
        for place, text in enumerate((f"Meet {product.name}. Shop now.", f"{product.name} is here for {price}.")):
            line = 2 * number + place + 1
            found.append(ApprovedCopy(product=product, text=text, file="copy.csv", line=line, row={"text": text}))
    return found


def said(count: int = 120, seed: int = 5) -> list[LabelledText]:
    """What shoppers say, with the intent that its words give away and the kind of goods that it speaks of."""
    rng, found = random.Random(seed), []
    for number in range(count):
        intent, kind = ("order", "return")[number % 2], rng.choice(CATEGORIES)
        text = f"{rng.choice(_SAID[intent])} ({number})".format(f"the {rng.choice(_PLACES)} {_THINGS[kind]}")
        found.append(LabelledText(text=text, intent=intent, kind=kind))
    return found
