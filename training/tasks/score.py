"""What an answer is worth, from 0 to 1, and what an answer without a model would be worth in its place."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from inference.generate.checks import codes
from inference.generate.judge import Standards
from inference.tasks.answers import Answer, options_of
from inference.tasks.faults import faults, request_of
from inference.tasks.records import Ad, Cta, Task, TitleRewrite, task_of
from inference.tasks.titles import answered
from training.evaluation.intervals import Figure, mean, share
from training.tasks.examples import Example
from training.tasks.titles import wanted


class Scored(Struct, frozen=True, kw_only=True):
    """One task on one split. `baseline` is what `without_a_model` says; `chance` that of a draw among the options."""

    n: int
    score: Figure
    baseline: float
    without_a_model: str
    chance: float | None = None
    refused: dict[str, int] = {}


def score(examples: Sequence[Example], answers: Sequence[Answer], standards: Standards, seed: int) -> Scored:
    """The figures of one task's examples, at least one, and their answers."""
    task = task_of(examples[0].record)
    values = [worth(example, answer) for example, answer in zip(examples, answers, strict=True)]
    told, baseline = _BASELINES[task](examples, standards)
    closed = [len(options_of(example.record)) for example in examples]
    refused = Counter(answer.findings[0].code.value for answer in answers if answer.findings)
    return Scored(
        n=len(examples),
        score=mean(values, seed) if task == "title_rewrite" else share([value == 1 for value in values]),
        baseline=baseline,
        without_a_model=told,
        chance=sum(1 / count for count in closed) / len(closed) if all(closed) else None,
        refused=dict(sorted(refused.items())),
    )


def worth(example: Example, answer: Answer) -> float:
    """1 for a right answer of a closed set, or for a text that every check admits; for a title the share of the
    searched words that are true of the product and stand in it. A text that is refused is worth nothing.
    """
    record = example.record
    if isinstance(record, TitleRewrite):
        return 0.0 if answer.answer is None else _held(answer.answer, record)
    if isinstance(record, Ad | Cta):
        return float(answer.answer is not None)
    return float(answer.slot_text == example.target)


def _held(title: str, record: TitleRewrite) -> float:
    right = wanted(record.product, record.query)
    return len(answered(title, right)) / len(right)


def _name_alone(examples: Sequence[Example], standards: Standards) -> tuple[str, float]:
    """The product's name in the place of a text."""
    worths = []
    for each in examples:
        record = each.record
        if isinstance(record, TitleRewrite):
            worths.append(_held(record.product.name, record))
        elif isinstance(record, Ad):
            said = codes("{NAME}.", request_of(record))
            worths.append(float(not faults(record, "{NAME}.", said, standards).findings))
    return "the name alone", sum(worths) / len(worths)


def _one_call(examples: Sequence[Example], _: Standards) -> tuple[str, float]:
    kinds = Counter(each.record.call for each in examples if isinstance(each.record, Cta))
    return "one call always", max(kinds.values()) / len(examples)


def _one_answer(examples: Sequence[Example], _: Standards) -> tuple[str, float]:
    targets = Counter(each.target for each in examples)
    return "the commonest answer", max(targets.values()) / len(examples)


_BASELINES: dict[Task, Callable[[Sequence[Example], Standards], tuple[str, Any]]] = {
    "ad": _name_alone,
    "title_rewrite": _name_alone,
    "cta": _one_call,
    "classify": _one_answer,
    "intent": _one_answer,
    "qa": _one_answer,
}
