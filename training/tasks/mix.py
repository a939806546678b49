"""The task examples of one run, beside the approved copy: what is held out first, then an even share of each task."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from inference.decide.hashing import text_seed
from inference.tasks.records import TASKS, Task, task_of
from inference.tasks.taught import Condition, Taught
from inference.tasks.wordings import wordings
from schemas.catalog import Product
from schemas.errors import Code, ConfigError
from schemas.labelled import LabelledText
from training.tasks.examples import Example, ad, classify, cta, intent, qa, title_rewrite
from training.tasks.held import held_groups, held_product, held_text
from training.tasks.titles import vocabulary
from training.tune.sift import Row

# A draw that gives no example (a product whose record answers no search) is made again, so many times for each wanted.
_PATIENCE = 4
# A shop asks for copy in a few dozen ways.
_CONDITIONS = 32


class Source(Struct, frozen=True, kw_only=True):
    """What task examples are made from: the share of them among all rows, the catalogue, labelled texts."""

    share: float
    products: tuple[Product, ...]
    texts: tuple[LabelledText, ...] = ()


def taught_by(source: Source, rows: Sequence[Row], seed: int) -> Taught:
    """What a bundle of this run is tuned for, and what it never sees.

    Raises ConfigError where the labelled texts name one intent only, or nothing is left to learn from.
    """
    products = {product.product_id: product for product in (*source.products, *(row.product for row in rows))}
    groups = [product.category for product in products.values()]
    held = held_groups(seed, groups)
    intents = tuple(sorted({text.intent for text in source.texts}))
    if len(intents) == 1:
        what = f"every text has the intent {intents[0]!r}"
        raise ConfigError(Code.FILE_INVALID, what, where="--intents", hint="give texts of two intents or more")
    return Taught(
        share=source.share,
        seed=seed,
        tasks=tuple(task for task in TASKS if task != "intent" or intents),
        categories=tuple(sorted(set(groups))),
        held_categories=held,
        intents=intents,
        held_kinds=held_groups(seed, [text.kind for text in source.texts if text.kind]),
        conditions=_conditions(rows),
    )


def _conditions(rows: Sequence[Row]) -> tuple[Condition, ...]:
    found = Counter(
        Condition(
            segment=row.request.segment,
            tone=row.request.tone,
            cta=row.request.cta,
            channel=row.request.channel,
            length=row.request.length,
        )
        for row in rows
    )
    return tuple(condition for condition, _ in found.most_common(_CONDITIONS))


def parted(learned: Sequence[Row], held_out: Sequence[Row], taught: Taught) -> tuple[list[Row], list[Row]]:
    """(to learn from, held out): texts for held products, and for products of held categories, are not learned from.

    Raises ConfigError where nothing is left.
    """
    kept = [row for row in learned if may_learn(row.product, taught)]
    if not kept:
        what = "no approved text is left when the held-out categories and products are set aside"
        raise ConfigError(Code.FILE_INVALID, what, where="--tasks", hint="give texts for more products")
    return kept, [*held_out, *(row for row in learned if not may_learn(row.product, taught))]


def may_learn(product: Product, taught: Taught) -> bool:
    """Whether a tuning may see the product."""
    return product.category not in taught.held_categories and not held_product(taught.seed, product.product_id)


def may_read(text: LabelledText, taught: Taught) -> bool:
    """Whether a tuning may see the labelled text."""
    return text.kind not in taught.held_kinds and not held_text(taught.seed, text.text)


def examples_of(source: Source, learned: Sequence[Row], held_out: Sequence[Row], taught: Taught) -> list[Example]:
    """The examples: so many that they are `share` of all rows, as many of each task as of any other.

    Neither products and categories that are held out nor held wordings are in them. The same arguments give the same.
    """
    aside = {row.product.product_id for row in held_out}
    products = [each for each in source.products if each.product_id not in aside and may_learn(each, taught)]
    texts = [text for text in source.texts if may_read(text, taught)]
    if not products:
        what = "the catalogue has no product that may be learned from"
        raise ConfigError(Code.FILE_INVALID, what, where="--tasks", hint="give a larger catalogue")
    count = round(len(learned) * source.share / (1 - source.share))
    found: list[Example] = []
    for place, task in enumerate(taught.tasks):
        wanted = count // len(taught.tasks) + (place < count % len(taught.tasks))
        maker = Maker(products, texts, learned, taught, random.Random(text_seed(str(taught.seed), "tasks", task)))
        found += maker.some(task, wanted)
    return found


class Maker:
    """Makes examples of products and texts; `held` asks with held wordings."""

    def __init__(
        self,
        products: Sequence[Product],
        texts: Sequence[LabelledText],
        rows: Sequence[Row],
        taught: Taught,
        rng: random.Random,
        *,
        options: tuple[str, ...] = (),
        held: bool = False,
    ) -> None:
        """`options` are the categories to choose from: those that may be learned of, unless it says others."""
        self._products, self._rows, self._taught, self._rng, self._held = products, rows, taught, rng, held
        self._texts = texts
        self._options = options or tuple(each for each in taught.categories if each not in taught.held_categories)
        self._known = vocabulary(products)

    def some(self, task: Task, count: int) -> list[Example]:
        """Up to `count` examples; every product, text or row is taken once before any is taken again."""
        makers: dict[Task, Callable[[], Iterator[Example | None]]] = {
            "ad": lambda: (ad(row, self._wording("ad")) for row in self._turns(self._rows, count)),
            "title_rewrite": lambda: (
                title_rewrite(product, self._known, self._wording("title_rewrite"), self._rng)
                for product in self._turns(self._products, _PATIENCE * count)
            ),
            "cta": lambda: (
                cta(product, self._wording("cta"), self._rng) for product in self._turns(self._products, count)
            ),
            "classify": lambda: (
                classify(product, self._options, self._wording("classify"))
                for product in self._turns(self._products, count)
            ),
            "intent": lambda: (
                intent(text, self._taught.intents, self._wording("intent")) for text in self._even(count)
            ),
            "qa": lambda: (
                qa(product, self._wording("qa"), self._rng, held=self._held)
                for product in self._turns(self._products, count)
            ),
        }
        found: list[Example] = []
        for example in makers[task]():
            if len(found) == count:
                break
            if example is not None:
                found.append(example)
        return found

    def _wording(self, task: Task) -> str:
        kinds = wordings(task)
        return self._rng.choice(kinds.held if self._held else kinds.seen)

    def _turns(self, values: Sequence[Any], count: int) -> Iterator[Any]:
        done = 0
        while values and done < count:
            for value in self._rng.sample(values, len(values)):
                if done == count:
                    return
                done += 1
                yield value

    def _even(self, count: int) -> Iterator[LabelledText]:
        """As many texts of each intent as of any other: a label that most texts have is no sign of reading them."""
        by_intent = [[text for text in self._texts if text.intent == each] for each in self._taught.intents]
        turns = [self._turns(texts, -(-count // len(by_intent))) for texts in by_intent if texts]
        for group in zip(*turns, strict=False):
            yield from group


def counted(examples: Sequence[Example]) -> dict[str, int]:
    """Task -> how many examples."""
    counts = Counter(task_of(example.record) for example in examples)
    return {task: counts[task] for task in TASKS if counts[task]}
