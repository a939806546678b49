"""One written text with everything that is measured on it alone."""

from msgspec import Struct, structs

from inference.generate.checks import has_cta
from inference.generate.findings import codes_of
from inference.generate.grammar import with_grammar
from inference.generate.judge import Standards, judged, subject_of
from inference.generate.render import compile_text, render, slots_in
from inference.generate.slots import REQUIRED, offered
from inference.text.readability import flesch
from inference.text.sentiment import sentiment
from schemas.ports import TextRequest, WrittenText
from training.evaluation.cases import Case
from training.evaluation.faithfulness import record_text, unbacked
from training.evaluation.grammar import Slip, slips
from training.evaluation.sources import Sources
from training.evaluation.verbatim import copied, normalised

# The corpus names no category: its lines are a category's, or for all of them.
_NO_FACTS = frozenset({REQUIRED, "CATEGORY"})


class Judged(Struct, frozen=True, kw_only=True):
    """A text and what is true of it. `shown` is None where a slot has no value, and then nothing else was measured.

    `used` of `on_offer` facts stand in it, `copied` of `sentences` in the training; `foreign` are words of another
    category's lines. `cta_kept` is None where no call was asked for, `sentiment_kept` where any would do.
    """

    request: TextRequest
    written: WrittenText
    shown: str | None
    admitted: bool
    unbacked: tuple[str, ...] = ()
    used: int = 0
    on_offer: int = 0
    cta_kept: bool | None = None
    sentiment: str = ""
    sentiment_kept: bool | None = None
    flesch: float | None = None
    fits: bool = False
    sentences: int = 0
    copied: int = 0
    whole_copied: bool = False
    foreign: tuple[str, ...] = ()
    slips: tuple[Slip, ...] = ()


def judge(case: Case, request: TextRequest, written: WrittenText, sources: Sources, standards: Standards) -> Judged:
    """Measure one text. It is admitted where serving would admit it, by all checks and not the writer's alone."""
    text = written.slot_text
    shown = render(compile_text(text), with_grammar(request.facts)) if text.strip() else None
    if shown is None:
        return Judged(request=request, written=written, shown=None, admitted=False)
    verdict = judged(text, request.channel, subject_of(case.product), standards, written.codes)
    written = structs.replace(written, codes=codes_of(verdict.findings))
    record = record_text(case.product)
    on_offer = offered(request.facts, request.max_chars) - _NO_FACTS
    own, (known, total) = sentiment(text), copied(text, sources.training)
    return Judged(
        request=request,
        written=written,
        shown=shown,
        admitted=not written.codes,
        unbacked=unbacked(shown, record),
        used=len(slots_in(text) & on_offer),
        on_offer=len(on_offer),
        cta_kept=None if request.cta == "none" else has_cta(text, request.cta),
        sentiment=own,
        sentiment_kept=None if request.sentiment == "any" else own == request.sentiment,
        flesch=flesch(shown),
        fits=len(shown) <= request.max_chars,
        sentences=total,
        copied=known,
        whole_copied=normalised(text) in sources.training.whole,
        foreign=sources.foreign(text, case.category, record),
        slips=slips(shown, name=case.product.name, several=case.several, record=record, verbs=sources.verbs),
    )
