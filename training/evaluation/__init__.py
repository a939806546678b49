"""What a bundle is worth, as far as a machine can say: texts for products and conditions that training has not seen.

No figure here says that a text sells. They say that it is true, does as asked, how varied it is and how much of it is
new. `docs/evaluate.md` says what each figure means.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from schemas.catalog import Product

PROMPTS = 300
"""Prompts of each slice: a share near a half is then known to about 6 points either way, one near all to 1 or 2."""


def evaluate(
    folder: Path,
    *,
    seed: int,
    prompts: int = PROMPTS,
    catalogue: Sequence[Product] = (),
    trained: Sequence[str] | None = None,
    write: bool = True,
    report: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Measure the bundle in `folder` and return what its metrics.json holds, the figures under `evaluation`.

    `catalogue` adds a slice of a shop's own products. `trained` are the slot texts that the model was trained on where
    they are not this project's corpus. With `write` the figures go into metrics.json and MODEL_CARD.md, and SHA256SUMS
    is renewed, which gives the bundle another digest. Raises LackingError where the bundle does not open.
    """
    from training.evaluation.measured import measured

    return measured(
        folder, seed=seed, prompts=prompts, catalogue=catalogue, trained=trained, write=write, report=report
    )
