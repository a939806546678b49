"""Every check after writing, on one text: what the writer said of it, then each check of its own, in a fixed order."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from inference.decide.facts import slot_values
from inference.generate.brand import BrandRules, breaches, forgiven, house_style, reserved
from inference.generate.channels import LIMITS
from inference.generate.claimcheck import unbacked
from inference.generate.findings import Finding
from inference.generate.grammar import with_grammar
from inference.generate.phrases import phrases
from inference.generate.record import Record, record_of
from inference.generate.relevance import Neighbours, foreign, misplaced
from inference.generate.render import compile_text, render
from inference.generate.screen import screened
from schemas.catalog import Product
from schemas.errors import Code


class Standards(Struct, frozen=True, kw_only=True):
    """What all texts of a run are held to.

    `neighbours` are the facts of the whole catalogue, `kinds` a kind of goods and the words by which it is recognised
    (a bundle's categories), `telltales` a word and the kinds whose texts it was learned from (a bundle's too).
    """

    rules: BrandRules = BrandRules()
    neighbours: Neighbours = Neighbours(phrases(()))
    kinds: Mapping[str, tuple[str, ...]] = {}
    telltales: Mapping[str, tuple[str, ...]] = {}

    def room(self, channel: str) -> int:
        """How many characters a writer has in a channel. Raises KeyError where there is no such channel."""
        return LIMITS[channel] - reserved(channel, self.rules)


class Subject(Struct, frozen=True):
    """A product made ready to be written about: its facts by slot, what fills every slot, and its record."""

    product: Product
    facts: Mapping[str, str]
    values: Mapping[str, str]
    record: Record


def subject_of(product: Product) -> Subject:
    """The subject of a product."""
    facts = slot_values(product)
    return Subject(product, facts, with_grammar(facts), record_of(product))


class Judged(Struct, frozen=True):
    """A text with what its brand requires, as a shopper reads it (None: a slot cannot be filled), and its faults."""

    slot_text: str
    shown: str | None
    findings: tuple[Finding, ...]


def judged(slot_text: str, channel: str, subject: Subject, standards: Standards, said: Sequence[str] = ()) -> Judged:
    """A text and every fault that is found in it. `said` are the codes that it comes with.

    What the brand requires is put at the text's end and is read by the brand's own check only: it is nobody's claim
    about the product.
    """
    bare = render(compile_text(slot_text), subject.values)
    given = tuple(Finding(Code(code), "") for code in said if not _forgiven(code, slot_text, subject, standards))
    if bare is None or not bare.strip():
        return Judged(slot_text, bare, given or (Finding(Code.SLOT_UNFILLED, "a slot cannot be filled"),))
    whole = house_style(slot_text, channel, standards.rules)
    shown = render(compile_text(whole), subject.values) or bare
    findings = (
        *given,
        *_length(shown, channel, said),
        *screened(slot_text),
        *unbacked(bare, subject.record),
        *foreign(bare, subject.record, standards.neighbours),
        *misplaced(
            slot_text,
            subject.product.category,
            subject.record,
            standards.kinds,
            standards.telltales,
            subject.product.name,
        ),
        *breaches(whole, shown, channel, standards.rules),
    )
    return Judged(whole, shown, findings)


def _length(shown: str, channel: str, said: Sequence[str]) -> tuple[Finding, ...]:
    most = LIMITS[channel]
    if len(shown) <= most or Code.COPY_TOO_LONG in said:
        return ()
    return (Finding(Code.COPY_TOO_LONG, f"{len(shown)} characters where {most} may stand"),)


def _forgiven(code: str, slot_text: str, subject: Subject, standards: Standards) -> bool:
    return code == Code.COPY_CLAIM and forgiven(slot_text, standards.rules, subject.record)
