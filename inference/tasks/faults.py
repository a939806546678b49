"""What is wrong with a written answer: every check of copy, and what its task asks for besides."""

from collections.abc import Sequence

from msgspec.structs import replace

from inference.decide.facts import slot_values
from inference.generate.channels import LIMITS
from inference.generate.findings import Finding
from inference.generate.judge import Judged, Standards, judged, subject_of
from inference.tasks.records import CALL_CHANNEL, TITLE_CHANNEL, Ad, Cta, TitleRewrite
from inference.tasks.titles import beyond
from schemas.errors import Code
from schemas.ports import TextRequest

_SENTENCES = frozenset(".!?")


def request_of(record: Ad | TitleRewrite | Cta) -> TextRequest:
    """The request by whose rules the answer is written and checked."""
    if isinstance(record, Ad):
        return record.request
    channel, call = (CALL_CHANNEL, record.call) if isinstance(record, Cta) else (TITLE_CHANNEL, "none")
    facts = slot_values(record.product)
    if isinstance(record, Cta):
        # A fact that fills the room leaves none for the call.
        facts = {slot: value for slot, value in facts.items() if len(value) * 5 <= LIMITS[channel] * 3}
    return TextRequest(
        product_id=record.product.product_id,
        category=record.product.category,
        segment="any",
        variant="task",
        tone="plain",
        cta=call,
        length="short",
        channel=channel,
        locale="en",
        facts=facts,
        seed=0,
        max_chars=LIMITS[channel],
    )


def faults(record: Ad | TitleRewrite | Cta, slot_text: str, said: Sequence[str], standards: Standards) -> Judged:
    """The text as a shopper reads it, and every fault of it. `said` are the codes that it comes with.

    A title says nothing that the product's record does not hold; a call is one sentence.
    """
    request, subject = request_of(record), subject_of(record.product)
    found = judged(slot_text, request.channel, subject, standards, said)
    if isinstance(record, TitleRewrite):
        known = {finding.what for finding in found.findings}
        more = [finding for finding in beyond(slot_text, subject.record) if finding.what not in known]
        return replace(found, findings=(*found.findings, *more))
    if isinstance(record, Cta) and any(sign in _SENTENCES for sign in slot_text.strip()[:-1]):
        return replace(found, findings=(*found.findings, Finding(Code.COPY_TOO_LONG, "says more than the call")))
    return found
