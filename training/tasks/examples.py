"""One example of each task: a record, and the answer that is right by how it was made."""

import random
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from inference.generate.judge import Standards
from inference.generate.slots import SLOT
from inference.tasks.faults import faults, request_of
from inference.tasks.records import (
    CALLS,
    NOT_STATED,
    Ad,
    Classify,
    Cta,
    Intent,
    Qa,
    Record,
    TitleRewrite,
    stated,
)
from inference.tasks.wordings import questions
from schemas.catalog import Product
from schemas.labelled import LabelledText
from training.tasks.titles import query_of, title_of
from training.tune.sift import Row

# A question is asked of a fact that is there as often as of one that is not.
_STATED = 0.5
# What each slot of a question is a column of.
_COLUMNS: Mapping[str, Mapping[str, object]] = {
    "BRAND": {"brand": None},
    "OFF": {"discount_percent": None},
    "COLOR": {"color": None},
    "MATERIAL": {"material": None},
    "SIZE": {"size": None},
    "FEATURE": {"features": []},
    "RATING": {"rating": None},
}


class Example(Struct, frozen=True, kw_only=True):
    """A record under an instruction, its right answer as the model says it, and what it speaks of.

    `subject` is what is held out or not (a product's id, or a text), `group` its category.
    """

    record: Record
    wording: str
    target: str
    subject: str
    group: str | None


def ad(row: Row, wording: str) -> Example:
    """An approved text under an instruction."""
    record = Ad(product=row.product, request=row.request)
    return _of(row.product, record, wording, row.text)


def title_rewrite(product: Product, known: Sequence[str], wording: str, rng: random.Random) -> Example | None:
    """A search and its title; None where the product's record says nothing that is searched for but its name."""
    query = query_of(product, known, rng)
    title = None if query is None else title_of(product, query)
    if query is None or title is None:
        return None
    record = TitleRewrite(product=product, query=query)
    return None if faults(record, title, (), Standards()).findings else _of(product, record, wording, title)


def cta(product: Product, wording: str, rng: random.Random) -> Example:
    """A type of call, and one of the calls of that type that the product's facts admit."""
    record = Cta(product=product, call=rng.choice(CALLS))
    facts = request_of(record).facts
    fitting = [
        call
        for call in calls()[record.call]
        if set(SLOT.findall(call)) <= facts.keys() and not faults(record, call, (), Standards()).findings
    ]
    return _of(product, record, wording, rng.choice(fitting))


def classify(product: Product, options: tuple[str, ...], wording: str) -> Example:
    """A product's name and description, and the category that it is in."""
    record = Classify(name=product.name, description=product.description or "", options=options)
    return _of(product, record, wording, product.category)


def intent(text: LabelledText, options: tuple[str, ...], wording: str) -> Example:
    """A labelled text."""
    record = Intent(text=text.text, options=options)
    return Example(record=record, wording=wording, target=text.intent, subject=text.text, group=text.kind)


def qa(product: Product, wording: str, rng: random.Random, *, held: bool = False) -> Example:
    """A question about the record, in a wording that was `held` or not, and the slot that answers it.

    Where the answer is to be that nothing is stated, the fact is taken out of the record that the question is asked of,
    unless it was not there: every shop fills some columns always, and whoever knows which needs no record.
    """
    asked = questions()
    facts = stated(product)
    there = [slot for slot in asked if slot in facts]
    if rng.random() < _STATED:
        slot = rng.choice(there)
        target = f"{{{slot}}}"
    else:
        # A brand that stands in the name would still be read there.
        named = (product.brand or "\x00").casefold() in product.name.casefold()
        slot = rng.choice([slot for slot in asked if slot in _COLUMNS and not (slot == "BRAND" and named)])
        product = msgspec.structs.replace(product, **_COLUMNS[slot])
        target = NOT_STATED
    wordings = asked[slot]
    question = rng.choice(wordings.held if held else wordings.seen)
    return _of(product, Qa(product=product, question=question), wording, target)


@cache
def calls() -> Mapping[str, tuple[str, ...]]:
    """Type of call -> the calls that examples are made from."""
    found = tomllib.loads(Path(__file__).with_name("calls.toml").read_text("utf-8"))
    return {kind: tuple(found[kind]) for kind in CALLS}


def _of(product: Product, record: Record, wording: str, target: str) -> Example:
    return Example(record=record, wording=wording, target=target, subject=product.product_id, group=product.category)
