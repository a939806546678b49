"""The factuality gate: a bundle has to answer questions about the tenant's own catalogue before it is released."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from training.evaluation.intervals import Figure, share
from training.evaluation.questions import CHANCE, Question, permuted

Answer = frozenset[int]
"""The options that were answered, by their places: one for an answer, none where there was none, several for a text
that says several things of one column."""

Prompt = Literal["controls", "text"]

FLOORS: dict[Prompt, float] = {
    # Facts are slots: a right text is right by how it is made, and a wrong one is a fault in the making. The bound is
    # what LEAST_ANSWERED answers without a fault are above (0.93), so that a small shop can qualify a bundle too;
    # with them it leaves room for none that is wrong, with 300 for 19.
    "controls": 0.9,
    # The record stands in the prompt and the three others are near misses. A model that is right more often than not
    # reads what it is given; its texts still have their facts in slots, and every check of serving behind them.
    "text": 0.5,
}
"""What the lower bound of the accuracy has to be above. Both are above chance, 0.25."""

LEAST_ANSWERED = 50
"""Fewer answers say little: of 49, an accuracy of 0.8 is one between 0.67 and 0.89."""


# Of wrong answers, as many as a person reads through.
_TOLD = 10


def gate(
    questions: Sequence[Question],
    answers: Sequence[Answer],
    prompt: Prompt,
    *,
    seed: int,
    floor: float | None = None,
) -> dict[str, Any]:
    """Score the answers and say whether the bundle passes.

    Accuracy is the share of right answers of all that were given (a text with two options is a wrong answer), with
    Wilson's interval. It passes where the lower bound is above chance and above the floor of its kind of prompt, and
    where the same answers fail against labels drawn anew: else the questions tell nothing. `of_all` counts a question
    without an answer as not right. `floor` stands in for that of `FLOORS`.
    """
    floor = FLOORS[prompt] if floor is None else floor
    accuracy = accuracy_of(questions, answers)
    control = accuracy_of(permuted(questions, seed), answers)
    columns = sorted({question.column for question in questions})
    pairs = list(zip(questions, answers, strict=True))
    return {
        "seed": seed,
        "prompt": prompt,
        "chance": CHANCE,
        "floor": floor,
        "asked": len(questions),
        "answered": accuracy.n,
        "accuracy": accuracy,
        "of_all": share([answer == {question.answer} for question, answer in pairs]),
        "with_answers_permuted": control,
        "by_column": {column: accuracy_of(*_of_column(questions, answers, column)) for column in columns},
        "asked_by_column": dict(sorted(Counter(question.column for question in questions).items())),
        "wrong": [_told(question, answer) for question, answer in pairs if answer and answer != {question.answer}][
            :_TOLD
        ],
        "failures": failures(accuracy, control, floor),
    }


def accuracy_of(questions: Sequence[Question], answers: Sequence[Answer]) -> Figure:
    """The share of right answers of those that were given."""
    pairs = zip(questions, answers, strict=True)
    return share([answer == {question.answer} for question, answer in pairs if answer])


def failures(accuracy: Figure, control: Figure, floor: float) -> list[str]:
    """Why a bundle does not pass, one line each; empty is a pass."""
    if accuracy.n < LEAST_ANSWERED:
        return [f"{accuracy.n} questions were answered, {LEAST_ANSWERED} are the least"]
    found = []
    if not _above(accuracy, max(CHANCE, floor)):
        found.append(
            f"accuracy {_written(accuracy)}: the lower bound has to be above {floor:.0%}, chance is {CHANCE:.0%}"
        )
    if _above(control, CHANCE):
        found.append(f"with permuted answers the accuracy is {_written(control)}: the questions give themselves away")
    return found


def _above(figure: Figure, bound: float) -> bool:
    return figure.low is not None and figure.low > bound


def _of_column(
    questions: Sequence[Question], answers: Sequence[Answer], column: str
) -> tuple[list[Question], list[Answer]]:
    pairs = zip(questions, answers, strict=True)
    kept = [(question, answer) for question, answer in pairs if question.column == column]
    return [question for question, _ in kept], [answer for _, answer in kept]


def _told(question: Question, answer: Answer) -> dict[str, Any]:
    return {
        "product_id": question.product.product_id,
        "column": question.column,
        "right": question.options[question.answer],
        "answered": [question.options[place] for place in sorted(answer)],
    }


def _written(figure: Figure) -> str:
    return f"{figure.value:.1%} [{figure.low:.1%}, {figure.high:.1%}]"
