"""Writes a batch of requests: again with another seed where a text fails its checks, a few times."""

from collections.abc import Sequence

from msgspec import Struct

from inference.decide.facts import Facts
from inference.decide.hashing import text_seed
from inference.generate.copyset import copy_id
from schemas.copy import Candidate, CopyRequest, CopyVerdict, PoolEntry
from schemas.ports import TextRequest, Writer, WrittenText
from streams.generate.setup import GenerateSetup


class Outcome(Struct, frozen=True):
    """Pool entries to publish, and every text that was not admitted."""

    entries: list[PoolEntry]
    verdicts: list[CopyVerdict]
    written: list[WrittenText]


def write_all(writer: Writer, wanted: Sequence[tuple[CopyRequest, Facts]], setup: GenerateSetup) -> Outcome:
    """Up to `setup.tries` texts for each request; the first that passes its checks is the pool's."""
    outcome = Outcome([], [], [])
    open_ = list(wanted)
    for attempt in range(setup.tries):
        if not open_:
            break
        asked = [_text_request(request, facts, setup, writer.bundle_sha256, attempt) for request, facts in open_]
        texts = writer.write(asked, setup.deadline_s)
        outcome.written.extend(texts)
        failed = []
        for pair, ask, text in zip(open_, asked, texts, strict=True):
            if text.codes:
                failed.append(pair)
                outcome.verdicts.append(_verdict(pair[0], text, writer.bundle_sha256))
            else:
                outcome.entries.append(_entry(pair[0], ask, text, writer.bundle_sha256, attempt + 1))
        open_ = failed
    return outcome


def _text_request(
    request: CopyRequest, facts: Facts, setup: GenerateSetup, bundle_sha256: str, attempt: int
) -> TextRequest:
    seed = text_seed(bundle_sha256, request.key().encode(), str(attempt))
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
        seed=seed,
        max_chars=setup.max_chars,
    )


def _entry(request: CopyRequest, ask: TextRequest, text: WrittenText, bundle_sha256: str, tries: int) -> PoolEntry:
    candidate = Candidate(
        copy_id=copy_id(bundle_sha256, text.slot_text),
        slot_text=text.slot_text,
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


def _verdict(request: CopyRequest, text: WrittenText, bundle_sha256: str) -> CopyVerdict:
    return CopyVerdict(
        product_id=request.product_id,
        segment=request.segment,
        variant=request.variant,
        channel=request.channel,
        locale=request.locale,
        copy_id=copy_id(bundle_sha256, text.slot_text),
        slot_text=text.slot_text,
        verdict="rejected",
        codes=list(text.codes),
        bundle_sha256=bundle_sha256,
        prompt_id=text.prompt_id,
        tokens=text.tokens,
        ms=round(text.ms, 3),
    )
