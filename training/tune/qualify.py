"""The factuality gate before a bundle is released: questions on the shop's own records that its model has to answer."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inference.bundle import load_bundle
from schemas.catalog import Product
from training.evaluation.answers import by_likelihood
from training.evaluation.factuality import LEAST_ANSWERED, gate
from training.evaluation.likelihood import open_likelihood
from training.evaluation.questions import CHANCE, OPTIONS, questions_of
from training.evaluation.run import rounded

COUNT = 300
"""As in `patter evaluate facts`: an accuracy of a half is then known to about 6 points either way."""


def qualified(folder: Path, products: Iterable[Product], seed: int, floor: float) -> dict[str, Any]:
    """What the gate says of the bundle in `folder` (docs/factuality.md), with `qualified`: whether it passes.

    `floor` is what the lower bound of the accuracy has to be above, beside chance. None where the records give too few
    questions to say anything, which is no failure: a small shop could release none.
    """
    catalogue = list({product.product_id: product for product in products}.values())
    questions = questions_of(catalogue, count=COUNT, seed=seed)
    if len(questions.asked) < LEAST_ANSWERED:
        return {"qualified": None, "asked": len(questions.asked), "least": LEAST_ANSWERED, "chance": CHANCE}
    bundle = load_bundle(folder)
    answers = by_likelihood(
        open_likelihood(bundle, rows=OPTIONS), questions.asked, bundle.generation.controls.categories
    )
    found = gate(questions.asked, answers, bundle.generation.prompt, seed=seed, floor=floor)
    return {"qualified": not found["failures"], **rounded(found)}
