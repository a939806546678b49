"""Four-option questions about a catalogue's products, made from the catalogue itself (ECKGBench, arXiv 2503.15990).

ECKGBench turns the triples of a shop's knowledge graph into cloze questions with sampled negatives; a catalogue's rows
are such triples: product, column, value. Negatives are hard: values of the same column from products of the same
category, the nearest in spelling, or in number where the column holds one. Every question is verified: no negative
stands in the product's own record, no two options are one, and the product's name does not give the answer away.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache

from msgspec import Struct

from inference.decide.facts import slot_values
from inference.generate.channels import LIMITS
from inference.generate.phrases import words
from inference.generate.record import Record, figures, readings, record_of
from inference.generate.slots import offered
from schemas.catalog import Product

OPTIONS = 4
CHANCE = 1 / OPTIONS
"""The accuracy of an answer that is drawn."""

# What kind of goods a product is, is what its negatives have in common.
_COLUMNS = ("NAME", "BRAND", "PRICE", "OFF", "COLOR", "MATERIAL", "SIZE", "FEATURE", "RATING")
# Of a column the facts of which these slots hold: a product's second feature is as right as its first.
_OWN = {"FEATURE": ("FEATURE", "FEATURE2")}
_NUMBERS = frozenset({"PRICE", "OFF", "RATING"})
_DIGITS = re.compile(r"[\d.]")
# Room for every fact that copy can state at all.
_ROOM = LIMITS["description"]


class Question(Struct, frozen=True, kw_only=True):
    """Which of four values of `column` (a slot's name) is the product's: `options[answer]`."""

    product: Product
    column: str
    options: tuple[str, ...]
    answer: int


class Questions(Struct, frozen=True):
    """The questions, and how many (product, column) pairs have no three hard negatives."""

    asked: tuple[Question, ...]
    without_negatives: int


def questions_of(catalogue: Sequence[Product], *, count: int, seed: int) -> Questions:
    """At most `count` questions, one a product at the most, so that they are independent; columns as even as the
    catalogue has them. The same arguments give the same questions.
    """
    rng = random.Random(seed)
    values = _values(catalogue)
    asked: list[Question] = []
    without = 0
    used: dict[str, int] = defaultdict(int)
    for product in rng.sample(catalogue, len(catalogue)):
        if len(asked) == count:
            break
        made = []
        for column in _askable(product):
            question = _question(product, column, values[product.category, column], rng)
            if question is None:
                without += 1
            else:
                made.append(question)
        if made:
            # The column that was asked for least: names and prices are everywhere, sizes are not.
            chosen = min(made, key=lambda each: (used[each.column], _COLUMNS.index(each.column)))
            used[chosen.column] += 1
            asked.append(chosen)
    return Questions(tuple(asked), without)


def verified(question: Question) -> bool:
    """Whether a question has one right answer: four different options, and only that one in the product's record."""
    record, facts = record_of(question.product), slot_values(question.product)
    own = [_stands(option, question.column, record, facts) for option in question.options]
    different = len({tuple(words(option)) for option in question.options}) == OPTIONS
    return different and own == [place == question.answer for place in range(OPTIONS)]


def permuted(questions: Sequence[Question], seed: int) -> list[Question]:
    """The same questions with their answers drawn anew: whoever knows the products does not know these."""
    rng = random.Random(seed)
    return [_answered(question, rng.randrange(OPTIONS)) for question in questions]


def _answered(question: Question, answer: int) -> Question:
    return Question(product=question.product, column=question.column, options=question.options, answer=answer)


def _values(catalogue: Sequence[Product]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """(category, column) -> its values, each once, in the catalogue's order."""
    found: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for product in catalogue:
        for slot, value in slot_values(product).items():
            column = "FEATURE" if slot == "FEATURE2" else slot
            found[product.category, column][value] = None
    return defaultdict(tuple, {key: tuple(values) for key, values in found.items()})


def _askable(product: Product) -> Iterator[str]:
    """The columns of a product that copy may state and that its name does not give away."""
    facts = slot_values(product)
    shown, name = offered(facts, _ROOM), f" {' '.join(words(product.name))} "
    for column in _COLUMNS:
        if column in shown and (column == "NAME" or f" {' '.join(words(facts[column]))} " not in name):
            yield column


def _question(product: Product, column: str, values: Sequence[str], rng: random.Random) -> Question | None:
    record, facts = record_of(product), slot_values(product)
    right = facts[column]
    negatives = [value for value in values if not _stands(value, column, record, facts)]
    negatives.sort(key=lambda value: (distance(right, value, column), value))
    different = {tuple(words(value)): value for value in reversed(negatives)}
    nearest = [value for value in negatives if different.get(tuple(words(value))) == value][: OPTIONS - 1]
    if len(nearest) < OPTIONS - 1:
        return None
    options = rng.sample([right, *nearest], OPTIONS)
    question = Question(product=product, column=column, options=tuple(options), answer=options.index(right))
    return question if verified(question) else None


def _stands(value: str, column: str, record: Record, facts: Mapping[str, str]) -> bool:
    """Whether a value is right for the product: it stands in its record, or is a number of equal value there."""
    if any(facts.get(slot) == value for slot in _OWN.get(column, (column,))):
        return True
    if column in _NUMBERS:
        return any(readings(token) & record.numbers for token in figures(value))
    return not words(value) or record.says(words(value))


def distance(right: str, value: str, column: str) -> float:
    """How far a value is from the right one, 0 nearest: by how much two numbers differ, as a share of the larger, or
    what part of their letter pairs two spellings do not share (1 - Dice 1945, doi 10.2307/1932409).
    """
    if column in _NUMBERS:
        mine, other = _number(right), _number(value)
        # An amount in another currency gives itself away.
        abroad = _DIGITS.sub("", right) != _DIGITS.sub("", value)
        return float(abs(mine - other) / max(mine, other, Decimal(1))) + abroad
    mine_pairs, other_pairs = _pairs(right), _pairs(value)
    shared = len(mine_pairs & other_pairs)
    return 1 - 2 * shared / max(1, len(mine_pairs) + len(other_pairs))


def _number(value: str) -> Decimal:
    try:
        return Decimal("".join(_DIGITS.findall(value)))
    except InvalidOperation:
        return Decimal(0)


@cache
def _pairs(value: str) -> frozenset[str]:
    text = f" {' '.join(words(value))} "
    return frozenset(text[at : at + 2] for at in range(len(text) - 1))
