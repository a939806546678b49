"""Drawn texts with rewards that a test says, without a model."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from schemas.catalog import Product
from schemas.ports import TextRequest
from training.objective.reward import Terms
from training.objective.sampling import Said
from training.objective.scored import Scored
from training.tune.sift import Row

ROW = Row(
    product=Product(product_id="p0", name="Copper Pot", category="Kitchen", price_minor=900, currency="USD"),
    request=TextRequest(
        product_id="p0",
        category="Kitchen",
        segment="loyal",
        variant="v",
        tone="warm",
        cta="shop",
        length="short",
        channel="push",
        locale="en",
        facts={"NAME": "Copper Pot", "PRICE": "$9.00"},
        seed=1,
        max_chars=120,
        sentiment="positive",
    ),
    text="Meet {NAME}. Shop now.",
    impressions=0,
    clicks=0,
)


def scored(product: int, rewards: Sequence[float | None], terms: Sequence[Terms] | None = None) -> Scored:
    """Texts for one product's prompt; a reward of None is a text that a gate stops."""
    row = replace(ROW, product=replace(ROW.product, product_id=f"p{product}"))
    said: list[Any] = [Said(f"Text {place}.", (place,), True) for place in range(len(rewards))]
    codes = [("copy_claim",) if value is None else () for value in rewards]
    plain = Terms(sentiment=1.0, diversity=0.5, cta=1.0, conversion=0.5)
    return Scored(row, [1], said, codes, list(rewards), list(terms or [plain] * len(rewards)))
