"""An evaluation from requests to figures, for any writer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from inference.generate.judge import Standards
from inference.text.embedder import HashedTfidf
from schemas.ports import Writer
from training.evaluation.cases import VARIANTS, Case
from training.evaluation.gate import failures
from training.evaluation.intervals import Figure
from training.evaluation.judged import Judged, judge
from training.evaluation.measures import quality, sets, tries
from training.evaluation.sources import Sources

SCHEMA = 1
# Far above what the machine needs: an evaluation waits for its texts.
_PATIENCE_S = 600.0
# So many texts between two words on how far it is.
_BATCH = 240
# Digits of a figure: half a thousandth is below every interval that a few hundred texts can give.
_DIGITS = 4


def measure(
    writer: Writer,
    slices: Mapping[str, Sequence[Case]],
    sources: Sources,
    standards: Standards,
    *,
    seed: int,
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> dict[str, Any]:
    """Write every request of every slice, judge, and sum up; `report` hears how many texts of how many are done.

    The same writer, slices and seed give the same result. A slice without cases is None.
    """
    embedder = HashedTfidf()
    requests = [request for cases in slices.values() for case in cases for request in case.requests]
    written = []
    for start in range(0, len(requests), _BATCH):
        written += writer.write(requests[start : start + _BATCH], _PATIENCE_S)
        report(len(written), len(requests))
    texts = iter(written)
    found: dict[str, Any] = {}
    for number, (name, cases) in enumerate(slices.items()):
        judged = [
            [judge(case, request, next(texts), sources, standards) for request in case.requests] for case in cases
        ]
        found[name] = _slice(judged, embedder, seed + 1_000 * number) if judged else None
    evaluation = {
        "schema": SCHEMA,
        "seed": seed,
        "variants": VARIANTS,
        "embedder": embedder.name,
        "training_texts": len(sources.training.texts),
        "slices": rounded(found),
    }
    return {**evaluation, "failures": failures(evaluation)}


def _slice(judged: Sequence[Sequence[Judged]], embedder: HashedTfidf, seed: int) -> dict[str, Any]:
    firsts = [variants[0] for variants in judged]
    return {
        "prompts": len(judged),
        "tries": tries(firsts, seed),
        "admitted": quality([text for text in firsts if text.admitted], seed),
        "sets": sets(judged, embedder, seed),
    }


def rounded(value: Any) -> Any:
    """A nested result as plain values, its figures rounded."""
    if isinstance(value, Figure):
        return {name: _round(part) for name, part in msgspec.to_builtins(value).items()}
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    return value


def _round(part: float | None) -> float | None:
    return round(part, _DIGITS) if isinstance(part, float) else part
