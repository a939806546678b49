"""Values of a catalogue by which a text can be found to speak of another product than its own.

`inference.generate.relevance` looks for those of two words and more and refuses a text for one. A score may also weigh
what is likely only: a brand of one word, a size of one letter, a colour that no list has.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from inference.generate.phrases import Phrases, phrases, words
from inference.generate.record import Record
from inference.generate.relevance import Neighbours, neighbours_of
from schemas.catalog import Product

# A token as a shop writes a brand or a size: "e.l.f.", "H&M", "3XL", "T-Mobile".
_TOKEN = re.compile(r"[^\W_]+(?:[-&.'’][^\W_]+)*")
_MARKS = re.compile(r"[™®©]")
_OPENING = re.compile(r"(?:^|[.!?]['\")]?\s+)$")


class Rivals(Struct, frozen=True, gc=False):
    """What tells the products of a catalogue apart.

    `neighbours` are their names, brands, sizes and features of two words and more, `looks` their colours and materials,
    `single` names, brands, sizes and features of one word, as they are written.
    """

    neighbours: Neighbours
    looks: Phrases
    single: frozenset[str]


NO_RIVALS = Rivals(Neighbours(phrases(())), phrases(()), frozenset())
"""Of a product that stands alone."""


def rivals_of(products: Iterable[Product]) -> Rivals:
    """The values of these products; a product's own are its record's and are never held against it."""
    catalogue = list(products)
    return Rivals(
        neighbours=neighbours_of(catalogue),
        looks=phrases(value for product in catalogue for value in (product.color, product.material) if value),
        single=frozenset(value for product in catalogue for value in _single(product)),
    )


def of_others(shown: str, record: Record, rivals: Rivals, *, named: bool) -> Iterator[str]:
    """Every value of another product that stands in a text and in no column of the record.

    `named` says whether the text has its own product's name. A value of one word counts where it is written as the
    shop writes it, with a capital or a digit; the first word of a sentence has a capital anyway, so there it counts
    only where the product's own name is missing or the word has a second capital or a digit.
    """
    said = words(shown)
    for values in (rivals.neighbours.values, rivals.looks):
        yield from (value for value in values.found(said) if not record.says(value.split(" ")))
    for match in _TOKEN.finditer(shown):
        token = match.group()
        if token not in rivals.single or record.says(words(token)):
            continue
        if not named or _marked(token[1:]) or (_marked(token) and not _OPENING.search(shown[: match.start()])):
            yield token


def _single(product: Product) -> Iterator[str]:
    for written in (product.name, product.brand, product.size, *product.features):
        value = _MARKS.sub("", written or "").strip()
        if _TOKEN.fullmatch(value) and _marked(value):
            yield value


def _marked(token: str) -> bool:
    return any(sign.isupper() or sign.isdigit() for sign in token)
