"""Whether a text belongs to its product: no fact of another product, no word of another kind of goods.

How near it is to the product's record is a score (`inference.generate.scores`), by an embedder behind a port.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct

from inference.generate.checks import own_words
from inference.generate.findings import Finding
from inference.generate.phrases import Phrases, phrases, words
from inference.generate.prompt import category_word
from inference.generate.record import Record
from schemas.catalog import Product
from schemas.errors import Code

# Names of one word are ordinary words too often ("Glow", "Home"): a text that uses the word would be taken for
# another product's. The words around a name tell more, and there are few names of one word.
LEAST_WORDS = 2
# Names that consist of these say nothing by themselves.
_EVERYDAY = frozenset(
    words(
        "a all an and at back by day every for from good home in is it look more morning new night now of on one or our"
        " out please re see shop so take thank thanks that the this time to today up us we welcome with you your"
    )
)


class Neighbours(Struct, frozen=True, gc=False):
    """The facts of a whole catalogue that tell one product from another: names, makers, features, sizes in words."""

    values: Phrases


def neighbours_of(products: Iterable[Product]) -> Neighbours:
    """The facts of these products."""
    return Neighbours(phrases(value for product in products for value in _telling(product)))


def foreign(shown: str, record: Record, neighbours: Neighbours) -> tuple[Finding, ...]:
    """Facts of other products of the catalogue in a rendered text: those that stand in no column of this one's."""
    return tuple(
        Finding(Code.COPY_IRRELEVANT, f"{value!r} is another product's")
        for value in neighbours.values.found(words(shown))
        if not record.says(value.split(" "))
    )


def misplaced(
    slot_text: str,
    category: str,
    record: Record,
    known: Mapping[str, tuple[str, ...]] | None = None,
    telltales: Mapping[str, tuple[str, ...]] | None = None,
    name: str = "",
) -> tuple[Finding, ...]:
    """Words of another kind of goods among a text's own words.

    `category` is the shop's own name for the kind; `known` maps a kind to the words by which it is recognised, and
    `telltales` a word to the kinds whose texts it was learned from (a bundle's). What the product's record says is
    never out of place, nor what belongs to a kind that its `name` speaks of.
    """
    own = words(own_words(slot_text))
    kinds = {category_word(category, table) for table in (_telltales(), known or {})}
    listed = [
        (told, of)
        for told in _lexicon().found(own)
        if not (of := _kinds()[told]) & kinds and not record.says(told.split(" ")) and not _recorded(of, record)
    ]
    kinds.add(category_word(name, known or {}))
    learned = [
        (word, frozenset(taught))
        for word in dict.fromkeys(own)
        if (taught := (telltales or {}).get(word)) and kinds.isdisjoint(taught) and not record.says((word,))
    ]
    return tuple(
        Finding(Code.COPY_IRRELEVANT, f"{told!r} tells of {' or '.join(sorted(of))}")
        for told, of in dict([*learned, *listed]).items()
    )


def product_text(product: Product) -> str:
    """What a product is, in the words of its record, for an embedder."""
    parts = (product.name, product.category, product.brand, product.color, product.material, product.size)
    return ". ".join(part for part in (*parts, *product.features, product.description) if part)


def _telling(product: Product) -> Iterator[str]:
    for value in (product.name, product.brand, product.size, *product.features):
        found = words(value or "")
        if len(found) >= LEAST_WORDS and not _EVERYDAY.issuperset(found):
            yield " ".join(found)


def _recorded(kinds: frozenset[str], record: Record) -> bool:
    """Whether the record itself speaks of one of these kinds: a shop's category may name none of them."""
    return any(record.says(words(form)) for kind in kinds for word in _telltales()[kind] for form in _forms(word))


def _forms(word: str) -> tuple[str, str, str]:
    return word, f"{word}s", f"{word}es"


@cache
def _telltales() -> dict[str, tuple[str, ...]]:
    text = files("inference.generate").joinpath("lexicons", "telltales.toml").read_text("utf-8")
    return {kind: tuple(found) for kind, found in tomllib.loads(text).items()}


@cache
def _kinds() -> dict[str, frozenset[str]]:
    """Each telltale in all its forms -> the kinds that it tells of."""
    found: dict[str, set[str]] = {}
    for kind, listed in _telltales().items():
        for form in (form for word in listed for form in _forms(word)):
            found.setdefault(" ".join(words(form)), set()).add(kind)
    return {form: frozenset(kinds) for form, kinds in found.items()}


@cache
def _lexicon() -> Phrases:
    return phrases(_kinds())
