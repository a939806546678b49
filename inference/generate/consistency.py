"""How consistent a finished text is with its product's record, 0..1.

Eevee (arXiv 2511.18957) scores a generated garment against the garment that it was made from; this scores a text
against the record that it was written from: what it says of the record (coverage), what it says against it
(contradictions). The checks of serving refuse a text for one finding; a score also tells bad from worse, for texts of
any origin, and counts what is only likely. Pure; it reads the text as a shopper sees it and knows nothing of slots.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from inference.decide.facts import slot_values
from inference.generate.claimcheck import unbacked
from inference.generate.measurements import measured, mismeasured
from inference.generate.phrases import words
from inference.generate.record import Record, columns_of, figures, readings, record_of
from inference.generate.rivals import NO_RIVALS, Rivals, of_others
from schemas.catalog import Product

Kind = Literal["unbacked", "unit", "other", "negated"]

# A contradiction halves the score, and coverage moves it by a quarter: below a half, so that a text with fewer
# contradictions always has the higher score, however little it says. Silence is no fault, a falsehood is.
HALVED = 0.5
COVERED = 0.25

# A figure that another column backs ("Size 5") is no rating.
_STARS = r"\d(?:[.,]\d+)?"
_RATED = re.compile(rf"\brated (?P<after>{_STARS})|(?<![\d.,])(?P<before>{_STARS})\s?(?:★|stars?\b|/\s?5\b)", re.I)
# The kind of goods is no fact that a text has to state.
_NO_FACETS = frozenset({"CATEGORY"})
# Every text names its product and asks not to miss it: "Don't let Harbor Kettle go" denies nothing.
_NEVER_DENIED = frozenset({"NAME", "BRAND"})
# "isn't" is the words isn and t.
_NEGATIONS = frozenset(
    words("no not never without lacks lacking neither nor cannot isn aren don doesn didn hasn haven won wasn weren")
)
# What may stand between a negation and what it denies.
_BETWEEN = frozenset(
    words("t a an any the of in at for with is are be made come comes available have has cost costs rated size its")
)
_REACH = 5


class Contradiction(Struct, frozen=True, gc=False):
    """One thing that a text says against the record. `what` quotes it.

    `unbacked`: a figure, colour, material, property or claim that stands in no column. `unit`: a number of the record
    with another unit. `other`: a value of another product. `negated`: a fact of the record, denied.
    """

    kind: Kind
    what: str


class Consistency(Struct, frozen=True, kw_only=True):
    """The score, and what it rests on. `stated` are the facts, by slot, that the text says of the record; `coverage`
    is their share of all that it could.
    """

    score: float
    coverage: float
    stated: tuple[str, ...]
    contradictions: tuple[Contradiction, ...]


def consistency(shown: str, product: Product, rivals: Rivals = NO_RIVALS) -> Consistency:
    """Score a text as a shopper reads it against its product.

    `rivals` are the values of the catalogue (`inference.generate.rivals.rivals_of`); without them values of other
    products go unnoticed unless a list of words has them. 0.5 to the number of contradictions, times 0.75 to 1 by
    coverage.
    """
    record, said = record_of(product), words(shown)
    facts = {slot: value for slot, value in slot_values(product).items() if slot not in _NO_FACETS}
    stated = tuple(slot for slot, value in facts.items() if _stated(slot, value, shown, said, record))
    found = _distinct(_found(shown, said, facts, record, product, rivals))
    coverage = len(stated) / len(facts)
    return Consistency(
        score=HALVED ** len(found) * (1 - COVERED + COVERED * coverage),
        coverage=coverage,
        stated=stated,
        contradictions=found,
    )


def _found(
    shown: str, said: Sequence[str], facts: dict[str, str], record: Record, product: Product, rivals: Rivals
) -> Iterator[Contradiction]:
    named = bool(_places(said, words(product.name)))
    wrong = mismeasured(shown, (*columns_of(product), f"{record.price} {product.currency}"))
    right = [each.text.casefold() for each in measured(shown) if each.text not in wrong]
    for finding in unbacked(shown, record):
        # "350ml" is the record's "350 ml", and "0.35 l" too.
        if not any(text.startswith(finding.what) for text in right if finding.what[:1].isdigit()):
            yield Contradiction("unbacked", finding.what)
    for match in _RATED.finditer(shown):
        if product.rating is None or Decimal(f"{product.rating:g}") not in readings(match["after"] or match["before"]):
            yield Contradiction("unbacked", match.group())
    for what in wrong:
        yield Contradiction("unit", what)
    for what in of_others(shown, record, rivals, named=named):
        yield Contradiction("other", what)
    for slot, value in facts.items():
        wanted = words(value)
        for place in _places(said, wanted) if slot not in _NEVER_DENIED else ():
            denial = _denial(said, place)
            if denial and not record.says((*denial, *wanted)):
                yield Contradiction("negated", " ".join((*denial, *wanted)))


def _stated(slot: str, value: str, shown: str, said: Sequence[str], record: Record) -> bool:
    if slot == "PRICE":
        return any(record.price in readings(token) for token in figures(shown))
    wanted = words(value)
    return any(slot in _NEVER_DENIED or not _denial(said, place) for place in _places(said, wanted))


def _places(said: Sequence[str], wanted: Sequence[str]) -> list[int]:
    size = len(wanted)
    return [at for at in range(len(said) - size + 1) if size and tuple(said[at : at + size]) == tuple(wanted)]


def _denial(said: Sequence[str], place: int) -> tuple[str, ...]:
    """The words from a negation up to `place`, where nothing but small words stands between; else nothing."""
    for start in range(place - 1, max(-1, place - 1 - _REACH), -1):
        if said[start] in _NEGATIONS:
            return tuple(said[start:place])
        if said[start] not in _BETWEEN:
            break
    return ()


def _distinct(found: Iterator[Contradiction]) -> tuple[Contradiction, ...]:
    """Each stretch of text once: "organic" within another product's "organic cotton lining" is the same error."""
    listed = sorted(dict.fromkeys(found), key=lambda each: -len(words(each.what)))
    kept: list[Contradiction] = []
    for each in listed:
        if not any(_places(words(other.what), words(each.what)) for other in kept):
            kept.append(each)
    return tuple(kept)
