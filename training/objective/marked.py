"""Rows as the loss reads them: token ids, and what is known of each token of the text."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from schemas.errors import Code, ConfigError
from training.objective.calls import call_places
from training.objective.config import Loss
from training.objective.conversion import Predict, observed
from training.objective.siblings import Completion, completions, siblings
from training.train import Row as Ids
from training.tune.sift import Row


class Marked(Struct, frozen=True):
    """One example. Places count from the text's first token; `calls` are those of tokens that call to action,
    `unlikely` the completions of siblings' n-grams, `weight` is the example's own.
    """

    ids: Ids
    calls: tuple[int, ...] = ()
    unlikely: tuple[Completion, ...] = ()
    weight: float = 1.0


def marked(
    rows: Sequence[Row], ids: Sequence[Ids], tokenizer: Any, weights: Loss, predict: Predict | None
) -> list[Marked]:
    """The rows with their marks; a term that is off leaves none. `ids` are theirs, the end being the last token.

    Raises ConfigError where examples are to be weighed and nothing says how well they do.
    """
    texts = [row[prompt:-1] for row, prompt in ids]
    others = siblings([(row.request.product_id, row.request.segment) for row in rows], texts)
    expected = _expected(rows, predict) if weights.conversion else [0.5] * len(rows)
    found = []
    for row, each, text, near, chance in zip(rows, ids, texts, others, expected, strict=True):
        offsets = tokenizer.encode(row.text, add_special_tokens=False).offsets if weights.cta else []
        found.append(
            Marked(
                each,
                call_places(row.text, row.request.cta, offsets),
                completions(text, near, weights.ngram) if weights.unlikelihood else (),
                1 + weights.conversion * (chance - 0.5),
            )
        )
    return found


def _expected(rows: Sequence[Row], predict: Predict | None) -> list[float]:
    if predict is not None:
        return [predict(row.text, row.request.segment) for row in rows]
    seen = observed(rows)
    if seen is None:
        what = "loss.conversion weighs examples by how well they do, and the data holds no impressions and clicks"
        hint = "give them, name a conversion.json as `conversion`, or leave the weight at 0"
        raise ConfigError(Code.FILE_INVALID, what, where="--objective", hint=hint)
    return seen
