"""A product's record as a check reads it: every word and every number of every column, known to Patter or not."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from inference.generate.phrases import words
from schemas.catalog import Product
from schemas.money import exponent, written

_TOKEN = re.compile(r"[^\W_]+(?:[.,'’/:-][^\W_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,'’]\d+)*")


class Record(Struct, frozen=True, gc=False):
    """What a text about a product may rest on.

    `text` are its words with a blank between and around them, `tokens` its words with a digit in them, `numbers` the
    values of those that are numbers, `squeezed` everything without blanks; `price` in units of the currency,
    `price_text` as it is written, `discount` in percent.
    """

    text: str
    tokens: frozenset[str]
    numbers: frozenset[Decimal]
    squeezed: str
    price: Decimal
    price_text: str
    discount: Decimal | None

    def says(self, phrase: Sequence[str]) -> bool:
        """Whether these words stand in one column, side by side."""
        return f" {' '.join(phrase)} " in self.text


def record_of(product: Product) -> Record:
    """A product's record. A sign stands between columns, so that no phrase is found across two of them."""
    columns = tuple(columns_of(product))
    raw = " | ".join(columns)
    tokens = frozenset(part for token in figures(raw) for part in (token, *re.split(r"[-/:]", token)))
    price = Decimal(product.price_minor).scaleb(-exponent(product.currency))
    discount = None if product.discount_percent is None else Decimal(str(product.discount_percent))
    known = {price, *(value for token in tokens for value in readings(token))}
    for value in (discount, product.rating, product.stock):
        known |= set() if value is None else {Decimal(str(value))}
    return Record(
        text=f" {' . '.join(' '.join(words(column)) for column in columns)} ",
        tokens=tokens,
        numbers=frozenset(known),
        squeezed=re.sub(r"\s+", "", raw).casefold(),
        price=price,
        price_text=written(product.price_minor, product.currency),
        discount=discount,
    )


def columns_of(product: Product) -> Iterator[str]:
    """The value of every column, as it is written in copy or in the record."""
    yield from (product.name, product.category, product.currency, written(product.price_minor, product.currency))
    for value in (product.brand, product.description, product.material, product.color, product.size):
        if value:
            yield value
    # A shop's texts name a product with its maker in front.
    if product.brand:
        yield f"{product.brand} {product.name}"
    yield from product.features
    if product.discount_percent is not None:
        yield f"{product.discount_percent:g}%"
    if product.rating is not None:
        yield f"{product.rating:g}"
    for value in (product.product_id, product.gtin, product.item_group_id, product.url):
        if value:
            yield value
    yield from product.extra.values()


def figures(text: str) -> tuple[str, ...]:
    """The words of a text that hold a digit, without case: "19.99", "wh-1000xm4", "250ml"."""
    return tuple(token for token in _TOKEN.findall(text.casefold()) if any(map(str.isdigit, token)))


def readings(token: str) -> frozenset[Decimal]:
    """What a number may mean: "1,299" is 1299 and 1.299, "12.99" is no 1299. Nothing for what is no number."""
    if not _NUMBER.fullmatch(token):
        return frozenset()
    bare = token.replace("'", "").replace("’", "")
    values = set()
    for thousands, point in ((",", "."), (".", ",")):
        whole, _, part = bare.partition(point)
        groups = whole.split(thousands)[1:]
        # Three digits end a number in groups, two or three stand between (1,29,900 is how India writes it).
        grouped = not groups or (len(groups[-1]) == 3 and all(len(group) in (2, 3) for group in groups))
        if grouped and not any(sign in part for sign in ".,"):
            values.add(Decimal(f"{whole.replace(thousands, '')}.{part or 0}"))
    return frozenset(values)
