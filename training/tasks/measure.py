"""Every task of a bundle on three splits, apart: seen, unseen category, unseen instruction (ECInstruct, 2402.08831).

No split holds a product or text that the tuning saw. `seen` is new products and texts of categories that it saw, asked
for in wordings that it saw; the others change one thing each.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from inference.bundle import Bundle
from inference.decide.facts import slot_values
from inference.decide.hashing import text_seed
from inference.generate.channels import LIMITS
from inference.generate.judge import Standards
from inference.generate.relevance import neighbours_of
from inference.tasks.answers import Respondent, open_respondent
from inference.tasks.records import Ad, Task
from inference.tasks.taught import Taught
from inference.tasks.wordings import wordings
from schemas.catalog import Product
from schemas.labelled import LabelledText
from schemas.ports import TextRequest
from training.evaluation.run import rounded
from training.tasks.examples import Example
from training.tasks.held import held_product, held_text
from training.tasks.mix import Maker
from training.tasks.score import Scored, score

SCHEMA = 1
SPLITS = ("seen", "unseen_category", "unseen_instruction")
COUNT = 100
"""Examples of a task and split: a share near a half is then known to about 10 points either way."""

SYNTHETIC: tuple[Task, ...] = ("title_rewrite", "cta", "classify", "qa")
"""Tasks whose examples are made by rules from the catalogue."""


def measured(
    bundle: Bundle,
    catalogue: Sequence[Product],
    texts: Sequence[LabelledText],
    *,
    seed: int,
    count: int = COUNT,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Every task of a verified bundle on every split, at most `count` examples each, and what does not hold.

    Raises LackingError (task_missing) where the bundle was tuned for no typed task.
    """
    controls = bundle.generation.controls
    standards = Standards(neighbours=neighbours_of(catalogue), kinds=controls.categories, telltales=controls.telltales)
    respondent = open_respondent(bundle, standards=standards, provider="cpu")
    taught = respondent.taught
    splits: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        splits[split] = {}
        for task in taught.tasks:
            report(f"{task}, {split}")
            examples = split_examples(task, split, catalogue, texts, taught, count=count, seed=seed)
            splits[split][task] = _scored(respondent, examples, standards, seed)
    return {
        "schema": SCHEMA,
        "seed": seed,
        "count": count,
        "synthetic": [task for task in SYNTHETIC if task in taught.tasks],
        "held_categories": list(taught.held_categories),
        "splits": {split: {task: _plain(each) for task, each in found.items()} for split, found in splits.items()},
        "failures": failures(splits["seen"], asked_intents=bool(texts)),
    }


def split_examples(
    task: Task,
    split: str,
    catalogue: Sequence[Product],
    texts: Sequence[LabelledText],
    taught: Taught,
    *,
    count: int,
    seed: int,
) -> list[Example]:
    """The examples of a task on a split: a product or text is in one example at the most."""
    learned = frozenset(taught.categories) - frozenset(taught.held_categories)
    if split == "unseen_category":
        products = [each for each in catalogue if each.category not in learned]
        said = [text for text in texts if text.kind in taught.held_kinds]
    else:
        products = [
            each for each in catalogue if each.category in learned and held_product(taught.seed, each.product_id)
        ]
        said = [text for text in texts if held_text(taught.seed, text.text) and text.kind not in taught.held_kinds]
    said = list({text.text: text for text in said if text.intent in taught.intents}.values())
    held = split == "unseen_instruction"
    rng = random.Random(text_seed(str(seed), "measure", task, split))
    options = tuple(sorted({each.category for each in catalogue}))
    if task == "ad":
        return _ads(products, taught, rng, count=count, held=held)
    maker = Maker(products, said, (), taught, rng, options=options, held=held)
    return maker.some(task, min(count, _units(said, taught) if task == "intent" else len(products)))


def failures(seen: dict[str, Scored | None], *, asked_intents: bool) -> list[str]:
    """Why a bundle does not pass, one line each: on `seen` every task is above what needs no model, by its interval.

    The other splits are reported and not judged: nobody should tune on them.
    """
    found = []
    for task, each in seen.items():
        if each is None:
            if task != "intent" or asked_intents:
                found.append(f"{task}: nothing is held out that it could be measured on")
        elif each.score.low is None or each.score.low <= each.baseline:
            bounds = "" if each.score.low is None else f" [{each.score.low:.0%}, {each.score.high:.0%}]"
            what = f"{each.score.value:.0%}{bounds} of {each.n}"
            found.append(f"{task}: {what} is not above {each.without_a_model}, {each.baseline:.0%}")
    return found


def _scored(respondent: Respondent, examples: Sequence[Example], standards: Standards, seed: int) -> Scored | None:
    if not examples:
        return None
    answers = respondent.answers(
        [each.record for each in examples], [each.wording for each in examples], deadline_s=3600.0
    )
    return score(examples, answers, standards, seed)


def _units(texts: Sequence[LabelledText], taught: Taught) -> int:
    """How many texts there are when every intent has as many as the rarest."""
    counts = [sum(text.intent == intent for text in texts) for intent in taught.intents]
    return min([count for count in counts if count], default=0) * sum(count > 0 for count in counts)


def _ads(products: Sequence[Product], taught: Taught, rng: random.Random, *, count: int, held: bool) -> list[Example]:
    kinds, found = wordings("ad"), []
    for product in rng.sample(products, min(count, len(products))):
        condition = rng.choice(taught.conditions)
        request = TextRequest(
            product_id=product.product_id,
            category=product.category,
            variant="task",
            locale="en",
            facts=slot_values(product),
            seed=rng.getrandbits(63),
            max_chars=LIMITS[condition.channel],
            **msgspec.structs.asdict(condition),
        )
        found.append(
            Example(
                record=Ad(product=product, request=request),
                wording=rng.choice(kinds.held if held else kinds.seen),
                target="",
                subject=product.product_id,
                group=product.category,
            )
        )
    return found


def _plain(each: Scored | None) -> dict[str, Any] | None:
    if each is None:
        return None
    figure: dict[str, Any] = rounded(each.score)
    return {**msgspec.to_builtins(each), **figure, "score": figure["value"], "baseline": round(each.baseline, 4)} | {
        "chance": None if each.chance is None else round(each.chance, 4)
    }
