"""What is asked of the model: products and conditions, in slices that training has not seen."""

import random
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from inference.bundle.generation import Controls
from inference.decide.facts import slot_values
from inference.generate.channels import LIMITS
from inference.generate.grammar import is_plural
from inference.generate.prompt import ANY, category_word
from schemas.catalog import Product
from schemas.ports import TextRequest
from training.evaluation.products import invent, known_categories
from training.pairs import HELD_CATEGORIES, HELD_PAIRS

VARIANTS = 3
"""Texts of one request, as many as `patter write` shows: the fixed size of a set that equation 1 needs."""

# Nobody asks for copy that sounds negative.
_SENTIMENTS = (ANY, "positive", "neutral")


class Case(Struct, frozen=True, kw_only=True):
    """One prompt of an evaluation: a product, what the training calls its category, and what is asked for.

    `requests` are the variants; they differ in their seed alone.
    """

    product: Product
    category: str
    several: bool
    requests: tuple[TextRequest, ...]


def held_out_slices(
    controls: Controls, calls: Mapping[str, tuple[str, ...]], prompts: int, seed: int
) -> dict[str, list[Case]]:
    """Three slices of `prompts` cases each. Every one has invented products; what else is new differs.

    `products`: a category and a pair of segment and tone that were trained. `categories`: a held-out category.
    `segments_and_tones`: a held-out pair. A slice is empty where the bundle does not know a held-out pair's words.
    """
    trained = [category for category in known_categories() if category not in HELD_CATEGORIES]
    pairs = [(segment, tone) for segment in controls.segments for tone in controls.tones]
    seen = [pair for pair in pairs if pair not in HELD_PAIRS]
    held = [pair for pair in pairs if pair in HELD_PAIRS]
    plan: tuple[tuple[str, Sequence[str], list[tuple[str, str]]], ...] = (
        ("products", trained, seen),
        ("categories", HELD_CATEGORIES, seen),
        ("segments_and_tones", trained, held),
    )
    slices = {}
    for number, (name, categories, allowed) in enumerate(plan):
        own = seed * len(plan) + number
        products = [(one.product, one.category, one.several) for one in invent(categories, prompts, own)]
        slices[name] = _cases(products, allowed, controls, calls, own) if allowed else []
    return slices


def catalogue_slice(
    products: Sequence[Product], controls: Controls, calls: Mapping[str, tuple[str, ...]], prompts: int, seed: int
) -> list[Case]:
    """Cases of a shop's own products, each once before one comes again, under any condition that the bundle knows."""
    rng = random.Random(seed)
    order = rng.sample(products, len(products))
    chosen = [order[place % len(order)] for place in range(prompts)] if order else []
    rows = [(one, category_word(one.category, controls.categories), is_plural(one.name)) for one in chosen]
    pairs = [(segment, tone) for segment in controls.segments for tone in controls.tones]
    return _cases(rows, pairs, controls, calls, seed)


def _cases(
    products: Sequence[tuple[Product, str, bool]],
    pairs: Sequence[tuple[str, str]],
    controls: Controls,
    calls: Mapping[str, tuple[str, ...]],
    seed: int,
) -> list[Case]:
    rng = random.Random(seed)
    channels = [channel for channel in LIMITS if channel in controls.channels and channel in calls]
    sentiments = [label for label in _SENTIMENTS if label in controls.sentiments]
    cases = []
    for number, (product, category, several) in enumerate(products):
        channel = rng.choice(channels)
        segment, tone = rng.choice(pairs)
        request = TextRequest(
            product_id=product.product_id,
            category=product.category,
            segment=segment,
            variant="evaluation",
            tone=tone,
            cta=rng.choice(calls[channel]),
            length=rng.choice(controls.lengths),
            channel=channel,
            locale="en",
            facts=slot_values(product),
            seed=0,
            max_chars=LIMITS[channel],
            sentiment=rng.choice(sentiments),
        )
        first = (seed * len(products) + number) * VARIANTS
        variants = tuple(replace(request, seed=first + variant) for variant in range(VARIANTS))
        cases.append(Case(product=product, category=category, several=several, requests=variants))
    return cases
