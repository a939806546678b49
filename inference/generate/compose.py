"""From requests to judged copy: written in one batch, checked, written again with what failed named, and in the end a
template. Pure apart from the writer.
"""

from collections.abc import Sequence

from msgspec import structs

from inference.decide.hashing import text_seed
from inference.generate.channels import LIMITS
from inference.generate.checks import codes
from inference.generate.copyset import (
    FOR_REVIEW,
    Ask,
    CopySet,
    Refused,
    Source,
    Variant,
    copy_id,
    verdict_of,
    with_relevance,
)
from inference.generate.dedupe import duplicate
from inference.generate.findings import codes_of
from inference.generate.judge import Judged, Standards, Subject, judged, subject_of
from inference.generate.reference import Embedder
from inference.generate.render import slots_in
from inference.generate.scores import Scores, scores_of
from inference.generate.select import Predict, reward
from inference.generate.templates import fitting_templates, template_texts
from inference.text.embedder import Vector
from schemas.ports import TextRequest, Writer, WrittenText

TRIES = 8
"""Texts written for one variant before the template answers: as many as serving tries (`generate.tries`)."""

CREATIVITY = 0.5
"""lambda where nobody says otherwise, as in serving (`generate.creativity`)."""

LENGTHS = ("medium", "short")
"""The variants of a set take turns, so that a shop has one for either room."""


class _Draft:
    """A variant while it is being written."""

    def __init__(self) -> None:
        self.taken: Judged | None = None
        self.source: Source = "model"
        self.seed: int | None = None
        self.tokens = 0
        self.refused: list[Refused] = []


def compose(
    writer: Writer,
    asks: Sequence[Ask],
    *,
    variants: int,
    seed: int,
    standards: Standards,
    embedder: Embedder[Vector],
    deadline_s: float,
    tries: int = TRIES,
    predict: Predict | None = None,
    creativity: float = CREATIVITY,
) -> list[CopySet]:
    """A set of `variants` texts for each ask, in their order; every variant has a text.

    No two texts of the model for one product and channel say the same, whomever they are for. So a text depends on its
    ask, its variant number, the seed, and the other sets of its product; on nothing else that is asked for.
    `predict` and `creativity` (lambda) are for the scores. `deadline_s` bounds each of the up to `tries` calls of the
    writer.
    """
    subjects = {ask.product.product_id: subject_of(ask.product) for ask in asks}
    drafts = [[_Draft() for _ in range(variants)] for _ in asks]
    kin: dict[tuple[str, str], list[_Draft]] = {}
    for ask, siblings in zip(asks, drafts, strict=True):
        kin.setdefault((ask.product.product_id, ask.channel), []).extend(siblings)
    for attempt in range(tries):
        wanted = [
            (ask, drafts[place][number], number)
            for place, ask in enumerate(asks)
            for number in range(variants)
            if drafts[place][number].taken is None
        ]
        if not wanted:
            break
        requests = [
            _request(ask, subjects[ask.product.product_id], standards, draft, number, attempt, seed)
            for ask, draft, number in wanted
        ]
        texts = writer.write(requests, deadline_s)
        for (ask, draft, _), request, text in zip(wanted, requests, texts, strict=True):
            earlier = _earlier(kin[ask.product.product_id, ask.channel])
            _take(draft, request, text, subjects[ask.product.product_id], standards, earlier)
    return [
        _finished(
            ask,
            siblings,
            subjects[ask.product.product_id],
            standards,
            embedder,
            writer.bundle_sha256,
            predict,
            creativity,
        )
        for ask, siblings in zip(asks, drafts, strict=True)
    ]


def _request(
    ask: Ask, subject: Subject, standards: Standards, draft: _Draft, number: int, attempt: int, seed: int
) -> TextRequest:
    names = (ask.product.product_id, ask.segment, ask.tone, ask.cta, ask.channel, str(number), str(attempt))
    return TextRequest(
        product_id=ask.product.product_id,
        category=ask.product.category,
        segment=ask.segment,
        variant=str(number),
        tone=ask.tone,
        cta=ask.cta,
        length=LENGTHS[number % len(LENGTHS)],
        channel=ask.channel,
        locale=ask.locale,
        facts=subject.facts,
        seed=text_seed(str(seed), *names),
        max_chars=standards.room(ask.channel),
        sentiment=ask.sentiment,
        avoid=tuple(dict.fromkeys(code for refused in draft.refused for code in refused.codes)),
        reference=ask.reference,
    )


def _take(
    draft: _Draft,
    request: TextRequest,
    text: WrittenText,
    subject: Subject,
    standards: Standards,
    earlier: Sequence[str],
) -> None:
    """Keep a text that passes, or what it failed for."""
    draft.tokens += text.tokens
    verdict = judged(text.slot_text, request.channel, subject, standards, text.codes)
    found = (*verdict.findings, *duplicate(verdict.shown, earlier))
    if found:
        draft.refused.append(Refused(slot_text=text.slot_text, codes=codes_of(found), seed=request.seed))
    else:
        draft.taken, draft.seed = verdict, request.seed


def _earlier(siblings: Sequence[_Draft]) -> list[str]:
    return [draft.taken.shown for draft in siblings if draft.taken is not None and draft.taken.shown]


def _template(ask: Ask, siblings: Sequence[_Draft], subject: Subject, standards: Standards) -> Judged:
    """The best template: the first without a fault, or else the first of those with the least."""
    room = standards.room(ask.channel)
    request = _request(ask, subject, standards, _Draft(), 0, 0, 0)
    fitting = list(fitting_templates(subject.facts, ask.segment, ask.channel, ask.cta, room))
    # Where a brand's rules leave less room than any template takes, the shortest is as near as it gets.
    texts = fitting or [min(template_texts(ask.segment, ask.channel, "none"), key=len)]
    best: tuple[tuple[int, int], Judged] | None = None
    for text in texts:
        verdict = judged(text, ask.channel, subject, standards, codes(text, request))
        found = (*verdict.findings, *duplicate(verdict.shown, _earlier(siblings)))
        faults = (sum(finding.code not in FOR_REVIEW for finding in found), len(found))
        if best is None or faults < best[0]:
            best = faults, Judged(verdict.slot_text, verdict.shown, found)
        if not found:
            break
    assert best is not None
    return best[1]


def _finished(
    ask: Ask,
    siblings: Sequence[_Draft],
    subject: Subject,
    standards: Standards,
    embedder: Embedder[Vector],
    bundle_sha256: str,
    predict: Predict | None,
    creativity: float,
) -> CopySet:
    for draft in siblings:
        if draft.taken is None:
            draft.taken, draft.source = _template(ask, siblings, subject, standards), "template"
    taken = [(draft, draft.taken) for draft in siblings if draft.taken is not None]
    shown = [verdict.shown or "" for _, verdict in taken]
    slot_texts = [verdict.slot_text for _, verdict in taken]
    scores, diversity = scores_of(slot_texts, shown, ask.cta, ask.product, embedder)
    scores = [
        _rewarded(each, slot_text, ask, predict, creativity) for each, slot_text in zip(scores, slot_texts, strict=True)
    ]
    return CopySet(
        ask=ask,
        chars_limit=LIMITS[ask.channel],
        variants=tuple(
            _variant(draft, verdict, measured, ask, subject, bundle_sha256)
            for (draft, verdict), measured in zip(taken, scores, strict=True)
        ),
        set_diversity=diversity,
        embedder=embedder.name,
    )


def _rewarded(scores: Scores, slot_text: str, ask: Ask, predict: Predict | None, creativity: float) -> Scores:
    """The scores with P_conv and the reward (equation 3) where there is a model; any product's order is worth 1."""
    likely = None if predict is None else predict(slot_text, ask.segment)
    if likely is None:
        return scores
    found = reward(scores.diversity or 0.0, likely, creativity)
    return structs.replace(scores, p_conv=round(likely, 4), reward=round(found, 4))


def _variant(draft: _Draft, verdict: Judged, scores: Scores, ask: Ask, subject: Subject, bundle_sha256: str) -> Variant:
    found = with_relevance(verdict.findings, scores, ask.channel)
    return Variant(
        copy_id=copy_id(bundle_sha256 if draft.source == "model" else "template", verdict.slot_text),
        text=verdict.shown or "",
        slot_text=verdict.slot_text,
        slots={slot: subject.values[slot] for slot in sorted(slots_in(verdict.slot_text)) if slot in subject.values},
        source=draft.source,
        verdict=verdict_of(found),
        findings=found,
        tokens=draft.tokens,
        seed=draft.seed,
        refused=tuple(draft.refused),
        scores=scores,
    )
