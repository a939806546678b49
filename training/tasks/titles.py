"""Searches made from a catalogue, and the titles that answer them. Synthetic: no shopper typed them.

A search has words of the product's record beside its name, words of its name, and words of other products that are not
true of it. Its words are such as stand in names and categories of the catalogue: that is how goods are searched for.
"""

import random
from collections.abc import Iterable, Sequence

from inference.decide.facts import slot_values
from inference.generate.channels import LIMITS
from inference.generate.checks import claims
from inference.generate.phrases import words
from inference.generate.record import record_of
from inference.generate.slots import offered
from inference.tasks.records import TITLE_CHANNEL
from inference.tasks.titles import JOINING, answered, borne_out
from schemas.catalog import Product

# Shorter words are measures, articles and codes more often than goods.
_SHORTEST = 4
_SLOTS = ("BRAND", "COLOR", "MATERIAL", "SIZE", "FEATURE", "FEATURE2")
_FOUND, _NAMED, _FALSE = (1, 2), (0, 2), (0, 2)


def vocabulary(products: Iterable[Product]) -> tuple[str, ...]:
    """The words of names, categories and what stands in slots: what goods are searched by, in a fixed order."""
    found: set[str] = set()
    for product in products:
        facts = slot_values(product)
        for slot in ("NAME", "CATEGORY", *_SLOTS):
            found.update(words(facts.get(slot, "")))
    return tuple(sorted(word for word in found if len(word) >= _SHORTEST and word.isalpha() and word not in JOINING))


def query_of(product: Product, known: Sequence[str], rng: random.Random) -> str | None:
    """A search for the product, or None where nothing but its name answers one."""
    record = record_of(product)
    name = frozenset(words(product.name))
    said = frozenset(record.text.split())
    true = [word for word in known if word in said]
    beside = [word for word in true if word not in name and title_of(product, word) is not None]
    if not beside:
        return None
    named = [word for word in true if word in name]
    false = [word for word in rng.sample(known, min(len(known), 4 * _FALSE[1])) if word not in said]
    picked = [
        *rng.sample(beside, min(len(beside), rng.randint(*_FOUND))),
        *rng.sample(named, min(len(named), rng.randint(*_NAMED))),
        *false[: rng.randint(*_FALSE)],
    ]
    return " ".join(rng.sample(picked, len(picked)))


def title_of(product: Product, query: str) -> str | None:
    """A title in slot form that holds every word of the search that is true of the product and has room; None where
    that is its name alone.

    A word that a slot's value holds stands there through the slot; a number, colour, material or claim that has no slot
    is left out, since no copy may state it in words of its own.
    """
    record, facts = record_of(product), slot_values(product)
    shown = offered(facts, LIMITS[TITLE_CHANNEL])
    held = set(words(facts["NAME"]))
    room = LIMITS[TITLE_CHANNEL] - len(facts["NAME"])
    parts: list[str] = ["{NAME}"]
    for word in borne_out(query, record):
        if word in held:
            continue
        slot = next((slot for slot in _SLOTS if slot in shown and word in words(facts[slot])), None)
        said, length = (f"{{{slot}}}", len(facts[slot])) if slot else (word, len(word))
        if length + 2 > room or (slot is None and not _sayable(word)):
            continue
        parts.append(said)
        room -= length + 2
        held.update(words(facts[slot]) if slot else (word,))
    return ", ".join(parts) if len(parts) > 1 else None


def wanted(product: Product, query: str) -> tuple[str, ...]:
    """The words of a search that a right title holds: those of `title_of`, its name's among them."""
    title, facts = title_of(product, query) or "{NAME}", slot_values(product)
    for slot, value in facts.items():
        title = title.replace(f"{{{slot}}}", value)
    return answered(title, borne_out(query, record_of(product)))


def _sayable(word: str) -> bool:
    return word.isalpha() and not claims(word)
