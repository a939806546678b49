"""Writes a batch of requests: again with another seed, and with what failed named, where a text fails its checks."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from inference.decide.facts import Facts
from inference.decide.hashing import text_seed
from inference.generate.brand import sensitive
from inference.generate.copyset import copy_id
from inference.generate.dedupe import duplicate
from inference.generate.denied import rejected, retired
from inference.generate.findings import Finding, codes_of
from inference.generate.judge import Judged, Standards, Subject, judged, subject_of
from inference.generate.render import compile_text, render
from schemas.copy import Candidate, CopyKey, CopyRequest, CopyVerdict, PoolEntry
from schemas.ports import TextRequest, Writer, WrittenText
from streams.broadcast.curation import Curation
from streams.broadcast.pool import Text
from streams.generate.measure import Measure
from streams.generate.rank import HELD, ranked
from streams.generate.setup import GenerateSetup

Siblings = Callable[[CopyKey], Iterable[Text]]
"""The texts that the same shopper may be shown for the product instead."""


class Outcome(Struct, frozen=True):
    """Pool entries to publish, every text that was not admitted or waits for a person, and all that was written."""

    entries: list[PoolEntry]
    verdicts: list[CopyVerdict]
    written: list[WrittenText]


class Surroundings(Struct, frozen=True):
    """What a text is held against besides its request: standards, measures, rulings, and the pool."""

    standards: Standards
    measure: Measure
    curation: Curation
    siblings: Siblings


class Lacking(Struct, frozen=True):
    """A key that wants one more text beside those that it has. `turn` tells the tries at it apart."""

    request: CopyRequest
    facts: Facts
    held: tuple[Candidate, ...] = ()
    turn: str = ""


class _Wanted:
    """A key while it is being written for."""

    def __init__(self, lacking: Lacking, subject: Subject) -> None:
        self.request, self.facts, self.held, self.turn = lacking.request, lacking.facts, lacking.held, lacking.turn
        self.subject = subject
        self.avoid: dict[str, None] = {}
        self.fresh: list[Candidate] = []


def write_all(
    writer: Writer, wanted: Sequence[Lacking], setup: GenerateSetup, around: Surroundings, tries: int
) -> Outcome:
    """A text for each key, the first of up to `tries` that passes its checks."""
    outcome = Outcome([], [], [])
    shown: dict[tuple[str, str], list[str]] = {}
    products = {each.facts.product.product_id: each.facts.product for each in wanted}
    subjects = {product_id: subject_of(product) for product_id, product in products.items()}
    every = [_Wanted(each, subjects[each.facts.product.product_id]) for each in wanted]
    for attempt in range(tries):
        open_ = [each for each in every if not each.fresh]
        if not open_:
            break
        asked = [_text_request(each, setup, around, writer.bundle_sha256, f"{each.turn}{attempt}") for each in open_]
        texts = writer.write(asked, setup.deadline_s)
        outcome.written.extend(texts)
        for each, ask, text in zip(open_, asked, texts, strict=True):
            fresh = shown.setdefault((each.request.product_id, each.request.segment), [])
            verdict = judged(text.slot_text, setup.channel, each.subject, around.standards, text.codes)
            found = (
                *verdict.findings,
                *(rejected(verdict.slot_text) if around.curation.denies(verdict.slot_text) else ()),
                *_worn(verdict.slot_text, each.request.segment, around.curation),
                *duplicate(verdict.shown, [*fresh, *_standing(each, around.siblings)]),
            )
            if found or verdict.shown is None:
                codes = codes_of(found)
                each.avoid.update(dict.fromkeys(codes))
                outcome.verdicts.append(
                    _verdict(each.request, text.slot_text, text, "rejected", codes, writer.bundle_sha256)
                )
                continue
            fresh.append(verdict.shown)
            why = None
            if not around.curation.approves(copy_id(writer.bundle_sha256, verdict.slot_text)):
                why = _waits(verdict, setup, around.standards)
            if why is not None:
                outcome.verdicts.append(
                    _verdict(each.request, verdict.slot_text, text, "review", why, writer.bundle_sha256)
                )
            scores = around.measure.scored(
                verdict.slot_text, verdict.shown, each.request.cta, each.request.segment, each.facts
            )
            each.fresh.append(
                _candidate(ask, verdict, text, scores, writer.bundle_sha256, attempt + 1, held=why is not None)
            )
    outcome.entries.extend(_entry(each, around) for each in every if each.fresh)
    return outcome


def _worn(slot_text: str, segment: str, curation: Curation) -> tuple[Finding, ...]:
    return retired(slot_text, segment) if curation.retired.bars(slot_text, segment) else ()


def _waits(verdict: Judged, setup: GenerateSetup, standards: Standards) -> tuple[str, ...] | None:
    """Why a text that passes waits for a person; None where it does not."""
    found = codes_of(sensitive(verdict.shown or "", standards.rules))
    if setup.review == "all" or (setup.review == "sensitive" and found):
        return found
    return None


def _standing(wanted: _Wanted, siblings: Siblings) -> list[str]:
    """What the pool has for the same product and segment, as a shopper reads it."""
    values = wanted.facts.values
    rendered = [render(text.parts, values) for text in siblings(wanted.request.key())]
    rendered += [render(compile_text(candidate.slot_text), values) for candidate in wanted.held]
    return [text for text in rendered if text is not None]


def _text_request(
    wanted: _Wanted, setup: GenerateSetup, around: Surroundings, bundle_sha256: str, attempt: str
) -> TextRequest:
    request, facts = wanted.request, wanted.facts
    key = request.key()
    # The same texts would be written, and be rejected, again.
    turn = around.curation.barred(key)
    return TextRequest(
        product_id=request.product_id,
        category=facts.product.category,
        segment=request.segment,
        variant=request.variant,
        tone=request.tone,
        cta=request.cta,
        length=request.length,
        channel=request.channel,
        locale=request.locale,
        facts=facts.values,
        seed=text_seed(bundle_sha256, key.encode(), attempt, str(turn)),
        max_chars=around.standards.room(setup.channel),
        avoid=tuple(wanted.avoid),
    )


def _candidate(
    ask: TextRequest,
    verdict: Judged,
    text: WrittenText,
    scores: dict[str, float],
    bundle_sha256: str,
    tries: int,
    *,
    held: bool,
) -> Candidate:
    return Candidate(
        copy_id=copy_id(bundle_sha256, verdict.slot_text),
        slot_text=verdict.slot_text,
        state=HELD if held else "standby",
        scores=scores,
        bundle_sha256=bundle_sha256,
        prompt_id=text.prompt_id,
        tokens=text.tokens,
        ms=round(text.ms, 3),
        tries=tries,
        seed=ask.seed,
    )


def _entry(wanted: _Wanted, around: Surroundings) -> PoolEntry:
    request, facts, measure = wanted.request, wanted.facts, around.measure
    entry = PoolEntry(
        product_id=request.product_id,
        segment=request.segment,
        variant=request.variant,
        channel=request.channel,
        locale=request.locale,
        candidates=measure.diversified([*wanted.held, *wanted.fresh], request.segment, facts),
    )
    return ranked(entry, measure.creativity(facts, around.curation), measure.worth(facts), measure.active)


def _verdict(
    request: CopyRequest,
    slot_text: str,
    text: WrittenText,
    verdict: Literal["rejected", "review"],
    codes: Sequence[str],
    bundle_sha256: str,
) -> CopyVerdict:
    return CopyVerdict(
        product_id=request.product_id,
        segment=request.segment,
        variant=request.variant,
        channel=request.channel,
        locale=request.locale,
        copy_id=copy_id(bundle_sha256, slot_text),
        slot_text=slot_text,
        verdict=verdict,
        codes=list(codes),
        bundle_sha256=bundle_sha256,
        prompt_id=text.prompt_id,
        tokens=text.tokens,
        ms=round(text.ms, 3),
    )
