"""Writes a batch of requests: again with another seed, and with what failed named, where a text fails its checks."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from inference.decide.facts import Facts
from inference.decide.hashing import text_seed
from inference.generate.copyset import copy_id
from inference.generate.dedupe import duplicate
from inference.generate.findings import codes_of
from inference.generate.judge import Judged, Standards, Subject, judged, subject_of
from inference.generate.render import render
from schemas.copy import Candidate, CopyKey, CopyRequest, CopyVerdict, PoolEntry
from schemas.ports import TextRequest, Writer, WrittenText
from streams.broadcast.pool import Text
from streams.generate.setup import GenerateSetup

Siblings = Callable[[CopyKey], Iterable[Text]]
"""The texts that the same shopper may be shown for the product instead."""


class Outcome(Struct, frozen=True):
    """Pool entries to publish, and every text that was not admitted."""

    entries: list[PoolEntry]
    verdicts: list[CopyVerdict]
    written: list[WrittenText]


class _Wanted:
    """A request while it is being written for."""

    def __init__(self, request: CopyRequest, facts: Facts, subject: Subject) -> None:
        self.request, self.facts, self.subject = request, facts, subject
        self.avoid: dict[str, None] = {}


def write_all(
    writer: Writer,
    wanted: Sequence[tuple[CopyRequest, Facts]],
    setup: GenerateSetup,
    standards: Standards,
    siblings: Siblings,
) -> Outcome:
    """Up to `setup.tries` texts for each request; the first that passes its checks is the pool's."""
    outcome = Outcome([], [], [])
    shown: dict[tuple[str, str], list[str]] = {}
    subjects = {facts.product.product_id: facts.product for _, facts in wanted}
    made = {product_id: subject_of(product) for product_id, product in subjects.items()}
    open_ = [_Wanted(request, facts, made[facts.product.product_id]) for request, facts in wanted]
    for attempt in range(setup.tries):
        if not open_:
            break
        asked = [_text_request(each, setup, standards, writer.bundle_sha256, attempt) for each in open_]
        texts = writer.write(asked, setup.deadline_s)
        outcome.written.extend(texts)
        failed = []
        for each, ask, text in zip(open_, asked, texts, strict=True):
            verdict = judged(text.slot_text, setup.channel, each.subject, standards, text.codes)
            fresh = shown.setdefault((each.request.product_id, each.request.segment), [])
            found = (*verdict.findings, *duplicate(verdict.shown, [*fresh, *_standing(each, siblings)]))
            if found or verdict.shown is None:
                codes = codes_of(found)
                each.avoid.update(dict.fromkeys(codes))
                failed.append(each)
                outcome.verdicts.append(_verdict(each.request, text, codes, writer.bundle_sha256))
            else:
                fresh.append(verdict.shown)
                outcome.entries.append(_entry(each.request, ask, verdict, text, writer.bundle_sha256, attempt + 1))
        open_ = failed
    return outcome


def _standing(wanted: _Wanted, siblings: Siblings) -> list[str]:
    """What the pool has for the same product and segment, as a shopper reads it."""
    rendered = (render(text.parts, wanted.facts.values) for text in siblings(wanted.request.key()))
    return [text for text in rendered if text is not None]


def _text_request(
    wanted: _Wanted, setup: GenerateSetup, standards: Standards, bundle_sha256: str, attempt: int
) -> TextRequest:
    request, facts = wanted.request, wanted.facts
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
        seed=text_seed(bundle_sha256, request.key().encode(), str(attempt)),
        max_chars=standards.room(setup.channel),
        avoid=tuple(wanted.avoid),
    )


def _entry(
    request: CopyRequest, ask: TextRequest, verdict: Judged, text: WrittenText, bundle_sha256: str, tries: int
) -> PoolEntry:
    candidate = Candidate(
        copy_id=copy_id(bundle_sha256, verdict.slot_text),
        slot_text=verdict.slot_text,
        bundle_sha256=bundle_sha256,
        prompt_id=text.prompt_id,
        tokens=text.tokens,
        ms=round(text.ms, 3),
        tries=tries,
        seed=ask.seed,
    )
    return PoolEntry(
        product_id=request.product_id,
        segment=request.segment,
        variant=request.variant,
        channel=request.channel,
        locale=request.locale,
        candidates=[candidate],
    )


def _verdict(request: CopyRequest, text: WrittenText, codes: Sequence[str], bundle_sha256: str) -> CopyVerdict:
    return CopyVerdict(
        product_id=request.product_id,
        segment=request.segment,
        variant=request.variant,
        channel=request.channel,
        locale=request.locale,
        copy_id=copy_id(bundle_sha256, text.slot_text),
        slot_text=text.slot_text,
        verdict="rejected",
        codes=list(codes),
        bundle_sha256=bundle_sha256,
        prompt_id=text.prompt_id,
        tokens=text.tokens,
        ms=round(text.ms, 3),
    )
