"""Whether a text says anything of its product that the product's record does not.

It reads the text as a shopper sees it, slots filled, and the record as the shop wrote it. So it also finds what slots
would hide: a fact filled from elsewhere, a word that rendering made.
"""

import re
from functools import cache

from inference.generate.checks import claims, phrases_of
from schemas.catalog import Product
from schemas.money import written

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_SIGN = re.compile(r"[^a-z\s]")


def record_text(product: Product) -> str:
    """Everything that a record says, as one text. Identifiers and links state no facts."""
    stated = [
        product.name,
        product.category,
        written(product.price_minor, product.currency),
        product.brand,
        product.description,
        *product.features,
        product.material,
        product.color,
        product.size,
        f"{product.discount_percent:g}%" if product.discount_percent else None,
        f"{product.rating:g}" if product.rating is not None else None,
    ]
    return "\n".join(part for part in stated if part)


def unbacked(text: str, record: str) -> tuple[str, ...]:
    """Every number, sign of money or share, colour, material, attribute and claim of `text` that is not in `record`.

    Words are those of the lists beside `inference/generate/checks.py`. A number is taken whole: 9 is not backed by 19.
    """
    known = " ".join(record.lower().split())
    numbers = set(_NUMBER.findall(known))
    found = [number for number in _NUMBER.findall(text) if number not in numbers]
    for word in claims(text):
        if not word.isdigit() and not _stands_in(word, known):
            found.append(word)
    return tuple(found)


def _stands_in(word: str, known: str) -> bool:
    return word in known if _SIGN.fullmatch(word) else _pattern(word).search(known) is not None


@cache
def _pattern(word: str) -> re.Pattern[str]:
    return phrases_of(" ".join(re.split(r"[\s-]+", word)))
