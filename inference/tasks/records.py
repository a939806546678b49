"""What a bundle can be asked for: one frozen type a task."""

from typing import Literal

from msgspec import Struct

from inference.decide.facts import slot_values
from schemas.catalog import Product
from schemas.ports import TextRequest

Task = Literal["ad", "title_rewrite", "cta", "classify", "intent", "qa"]
TASKS: tuple[Task, ...] = ("ad", "title_rewrite", "cta", "classify", "intent", "qa")
"""Every task, in the order in which they are told."""

WRITTEN: frozenset[Task] = frozenset({"ad", "title_rewrite", "cta"})
"""Tasks whose answer is written; the others choose one of a closed set by likelihood."""

CALLS = ("shop", "discover", "save", "remind")
"""The types of call that `cta` writes; `lexicons/cta.toml` has the phrases of each."""

NOT_STATED = "not stated"
"""What `qa` answers where the record is silent."""

TITLE_CHANNEL, CALL_CHANNEL = "banner", "push_title"
"""The channels whose room and rules a title and a call have: 90 and 40 characters, and no full stop."""


class Ad(Struct, frozen=True, kw_only=True, tag="ad"):
    """A marketing text, as `schemas.ports.Writer` is asked for it. The facts of the request are the product's."""

    product: Product
    request: TextRequest


class TitleRewrite(Struct, frozen=True, kw_only=True, tag="title_rewrite"):
    """A title that holds the words of a search that are true of the product."""

    product: Product
    query: str


class Cta(Struct, frozen=True, kw_only=True, tag="cta"):
    """The call to action alone, of a type of `CALLS`."""

    product: Product
    call: str


class Classify(Struct, frozen=True, kw_only=True, tag="classify"):
    """Which of `options`, a shop's categories, a product of this name and description is in."""

    name: str
    description: str
    options: tuple[str, ...]


class Intent(Struct, frozen=True, kw_only=True, tag="intent"):
    """Which of `options` a shopper has in mind, by what she said or did."""

    text: str
    options: tuple[str, ...]


class Qa(Struct, frozen=True, kw_only=True, tag="qa"):
    """A question about a product's record. The answer is a slot of it, or `NOT_STATED`."""

    product: Product
    question: str


Record = Ad | TitleRewrite | Cta | Classify | Intent | Qa


def task_of(record: Record) -> Task:
    """The name of a record's task."""
    task: Task = record.__struct_config__.tag  # type: ignore[assignment]
    return task


def stated(product: Product) -> dict[str, str]:
    """Slot -> value of everything that a record states.

    Copy leaves out a brand that stands in the name, and what takes a paragraph; a question about them has an answer all
    the same.
    """
    whole = {
        "BRAND": product.brand,
        "CATEGORY": product.category,
        "COLOR": product.color,
        "MATERIAL": product.material,
        "SIZE": product.size,
        "FEATURE": product.features[0] if product.features else None,
    }
    return {**slot_values(product), **{slot: " ".join(value.split()) for slot, value in whole.items() if value}}
