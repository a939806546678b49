"""How a bundle answers a question about a product, by what its prompt lets it know.

A bundle that is asked in control words sees no text of the shop's, so no likelihood of a value can be asked of it: it
has never met one. What it has to get right is what a shopper reads. It writes for the product as serving does, and
the finished text answers: by the one of the four values that it states. A text that states none is no answer.

A bundle that is asked in words has the record in its prompt. It answers by the likelihood that it gives each value
where the value would follow: does it read the record that it writes from?
"""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from inference.decide.hashing import text_seed
from inference.generate.channels import LIMITS
from inference.generate.judge import Standards, judged, subject_of
from inference.generate.text_prompt import Categories, text_prompt
from schemas.ports import TextRequest, Writer
from training.evaluation.factuality import Answer
from training.evaluation.questions import Question

TRIES = 24
"""Texts for one question: most say one or two facts of nine, and a third of the tries are admitted."""

_CHANNELS = ("push", "sms", "ad_description", "description")
_SEGMENTS = ("new", "regular", "loyal", "big_spender", "bargain_hunter", "lapsed")
_PATIENCE_S = 600.0
_STEMS = {
    "NAME": "This is",
    "BRAND": "{name} is made by",
    "PRICE": "{name} costs",
    "OFF": "{name} is reduced by",
    "COLOR": "The color of {name} is",
    "MATERIAL": "{name} is made of",
    "SIZE": "The size of {name} is",
    "FEATURE": "{name} has this feature:",
    "RATING": "Shoppers rate {name} at",
}


class Likelihood(Protocol):
    """What says how likely a model finds continuations of a prompt."""

    def mean_log(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """The mean log probability of a token of each continuation behind the prompt."""
        ...


def by_writing(
    writer: Writer, questions: Sequence[Question], standards: Standards, *, seed: int, tries: int = TRIES
) -> list[Answer]:
    """The answers of finished texts: of each product's admitted texts the first that states one of the options."""
    answers: list[Answer] = [frozenset()] * len(questions)
    subjects = [subject_of(question.product) for question in questions]
    for attempt in range(tries):
        open_ = [place for place, answer in enumerate(answers) if not answer]
        requests = [_request(questions[place], attempt, seed) for place in open_]
        for place, request, text in zip(open_, requests, writer.write(requests, _PATIENCE_S), strict=True):
            verdict = judged(text.slot_text, request.channel, subjects[place], standards, text.codes)
            if verdict.shown is not None and not verdict.findings:
                answers[place] = stated(verdict.shown, questions[place].options)
    return answers


def by_likelihood(model: Likelihood, questions: Sequence[Question], categories: Categories) -> list[Answer]:
    """The answers of a model that has the record in its prompt: the likeliest option, token by token on average, so
    that long values are not held to be unlikely ones.
    """
    answers = []
    for question in questions:
        request = _request(question, 0, 0, "description")
        stem = _STEMS[question.column].format(name=question.product.name)
        scores = model.mean_log(text_prompt(request, categories) + stem, [f" {each}" for each in question.options])
        answers.append(frozenset({scores.index(max(scores))}))
    return answers


def stated(shown: str, options: Sequence[str]) -> Answer:
    """The options that stand in a text, whatever their case; one within a longer one ("Blue" in "Navy Blue") is not."""
    spans = [(place, span) for place, option in enumerate(options) for span in _spans(shown, option)]

    def within(span: tuple[int, int]) -> bool:
        return any(a <= span[0] and span[1] <= b and (a, b) != span for _, (a, b) in spans)

    return frozenset(place for place, span in spans if not within(span))


def _spans(shown: str, option: str) -> Iterator[tuple[int, int]]:
    spelled = r"\s+".join(map(re.escape, option.split()))
    # A size "M" is no word of a sentence, and 20 is not within 20.5.
    case = re.NOFLAG if len(option) <= 2 else re.IGNORECASE
    for match in re.finditer(rf"(?<![\w])(?<!\d[.,]){spelled}(?!\w)(?![.,]\d)", shown, case):
        yield match.span()


def _request(question: Question, attempt: int, seed: int, channel: str | None = None) -> TextRequest:
    facts = subject_of(question.product).facts
    name = text_seed(str(seed), question.product.product_id, question.column, str(attempt))
    rng = random.Random(name)
    channel = channel or rng.choice(_CHANNELS)
    return TextRequest(
        product_id=question.product.product_id,
        category=question.product.category,
        segment=rng.choice(_SEGMENTS),
        variant="facts",
        tone="plain",
        cta="none",
        length="medium",
        channel=channel,
        locale="en",
        facts=facts,
        seed=name,
        max_chars=LIMITS[channel],
    )
