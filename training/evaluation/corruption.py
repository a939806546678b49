"""Errors put into right texts on purpose, so that a measure of errors can be measured.

Each kind of error is one that a writer without slots makes. It replaces a fact of the text by another product's where
the text states one, and adds a wrong sentence where not. What it puts in stands nowhere in the product's own record:
else it were no error.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from inference.generate.record import columns_of
from schemas.catalog import Product
from schemas.money import exponent, written

# What a shop without such a column has colours and materials swapped for.
_COLOURS = ("teal", "crimson", "ivory", "turquoise", "maroon", "beige", "violet")
_MATERIALS = ("titanium", "velvet", "bamboo", "walnut", "porcelain", "suede")
# From advertising at large, and not from the lists that a check reads.
_CLAIMS = (
    "Organic.",
    "Clinically proven.",
    "Dermatologist tested.",
    "The best in its class.",
    "Lifetime warranty.",
    "Free shipping.",
    "Carbon neutral.",
    "Award-winning.",
    "Waterproof.",
    "Guaranteed for years.",
    "Recommended by doctors.",
    "Made in Italy.",
    "Handmade.",
    "Only a few left in stock.",
    "Never breaks.",
)
_SIGNS = "$€£¥₹₩"
_OTHER_UNIT = {
    "ml": "l", "l": "ml", "cm": "mm", "mm": "cm", "m": "cm", "inch": "cm", "inches": "cm",
    "kg": "g", "g": "kg", "oz": "lb", "lb": "oz", "gb": "TB", "tb": "GB", "mb": "GB",
    "w": "kW", "kw": "W", "v": "W", "mah": "W",
}  # fmt: skip
_MEASURED = re.compile(rf"(?<![\w.,])(\d+(?:[.,]\d+)*)([\s-]?)({'|'.join(_OTHER_UNIT)})\b", re.I)
_RATINGS = ("4.9", "4.3", "3.8", "5.0", "4.1")
_RETRIES = 20


class Bench(Struct, frozen=True):
    """A product and the others of its catalogue, those of its category first asked for what to swap."""

    product: Product
    others: Sequence[Product]

    @property
    def own(self) -> str:
        """The whole record, folded, for looking whether something stands in it."""
        return " | ".join(columns_of(self.product)).casefold()


Corruption = Callable[[str, Bench, random.Random], str | None]


def corrupted(text: str, bench: Bench, kinds: Sequence[str], rng: random.Random) -> str | None:
    """A text with one error of each of these kinds, or None where one cannot be made."""
    for kind in kinds:
        changed = KINDS[kind](text, bench, rng)
        if changed is None or changed == text:
            return None
        text = changed
    return text


def possible(text: str, bench: Bench, rng: random.Random) -> list[str]:
    """The kinds of error that can be made in a text, in an order of chance."""
    found = [kind for kind in KINDS if corrupted(text, bench, [kind], rng) is not None]
    return rng.sample(found, len(found))


def _price(text: str, bench: Bench, rng: random.Random) -> str | None:
    product = bench.product
    for _ in range(_RETRIES):
        minor = max(1, round(product.price_minor * rng.choice((0.5, 0.8, 0.9, 1.1, 1.25, 1.5)))) + rng.randrange(100)
        wrong = written(minor, product.currency)
        amount = str(Decimal(minor).scaleb(-exponent(product.currency)))
        if amount not in bench.own:
            return _swapped(text, written(product.price_minor, product.currency), wrong) or f"{text} Now {wrong}."
    return None


def _unit(text: str, bench: Bench, rng: random.Random) -> str | None:
    """A number of the text with another unit, or the price with another sign."""

    def other(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2]}{_OTHER_UNIT[match[3].lower()]}"

    if right := _MEASURED.search(text):
        wrong = other(right)
        return None if wrong.casefold() in bench.own else text[: right.start()] + wrong + text[right.end() :]
    price = written(bench.product.price_minor, bench.product.currency)
    if price[0] in _SIGNS and price in text:
        return text.replace(price, rng.choice(_SIGNS.replace(price[0], "")) + price[1:], 1)
    return None


def _column(values: Callable[[Product], Sequence[str | None]], added: str, spare: Sequence[str] = ()) -> Corruption:
    """An error in one column: `values` are a product's, `added` the sentence where the text states none of them."""

    def corrupt(text: str, bench: Bench, rng: random.Random) -> str | None:
        mine = bench.own
        kin = [other for other in bench.others if other.category == bench.product.category] or bench.others
        for pool in (kin, bench.others):
            wrong = [value for other in pool for value in values(other) if value and value.casefold() not in mine]
            if wrong:
                break
        wrong = wrong or [value for value in spare if value not in mine]
        if not wrong:
            return None
        value = rng.choice(wrong)
        for right in values(bench.product):
            if right and (changed := _swapped(text, right, value)):
                return changed
        return f"{text} {added.format(value)}" if added else None

    return corrupt


def _negation(text: str, bench: Bench, rng: random.Random) -> str | None:
    product = bench.product
    denials = [
        *(f"Without {feature}." for feature in product.features[:2]),
        *([f"Not made of {product.material}."] if product.material else []),
        *([f"It does not come in {product.color}."] if product.color else []),
        *([f"Not available in {product.size}."] if product.size else []),
        *([f"It isn't {product.discount_percent:g}% off."] if product.discount_percent else []),
    ]
    return f"{text} {rng.choice(denials)}" if denials else None


def _claim(text: str, bench: Bench, rng: random.Random) -> str | None:
    fitting = [claim for claim in _CLAIMS if not set(re.findall(r"\w+", claim.casefold())) <= set(_words(bench.own))]
    return f"{text} {rng.choice(fitting)}" if fitting else None


def _discount(text: str, bench: Bench, rng: random.Random) -> str | None:
    own = bench.product.discount_percent
    wrong = rng.choice([value for value in range(5, 75, 5) if value != own and f"{value}%" not in bench.own])
    changed = _swapped(text, f"{own:g}%", f"{wrong}%") if own else None
    return changed or f"{text} {wrong}% off."


def _rating(text: str, bench: Bench, rng: random.Random) -> str | None:
    own = bench.product.rating
    wrong = next((value for value in rng.sample(_RATINGS, len(_RATINGS)) if value not in bench.own), None)
    if wrong is None:
        return None
    changed = _swapped(text, f"{own:g}", wrong) if own is not None else None
    return changed or f"{text} Rated {wrong}."


def _swapped(text: str, right: str, wrong: str) -> str | None:
    """The text with one value in another's place, whole words, whatever the case; None where it is not there."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(right)}(?![\w-])", re.I)
    changed = pattern.sub(lambda _: wrong, text)
    return changed if changed != text else None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


KINDS: Mapping[str, Corruption] = {
    "price": _price,
    "unit": _unit,
    "discount": _discount,
    "rating": _rating,
    "name": _column(lambda product: (product.name,), ""),
    "brand": _column(lambda product: (product.brand,), "By {}."),
    "colour": _column(lambda product: (product.color,), "In {}.", _COLOURS),
    "material": _column(lambda product: (product.material,), "Made of {}.", _MATERIALS),
    "size": _column(lambda product: (product.size,), "Size {}."),
    "feature": _column(lambda product: product.features, "With {}."),
    "negation": _negation,
    "claim": _claim,
}
"""Every kind of error, by its name."""
