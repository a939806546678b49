"""What can be measured on the texts of one set. Higher is better for none of them by itself: they are what a reader,
a reward or a policy weighs.
"""

from collections.abc import Sequence

from msgspec import Struct

from inference.generate.checks import has_cta
from inference.generate.reference import Embedder
from inference.generate.relevance import product_text
from inference.text.diversity import marginal_diversity, set_diversity
from inference.text.embedder import Vector, cosine
from inference.text.readability import flesch
from inference.text.sentiment import polarity
from schemas.catalog import Product


class Scores(Struct, frozen=True, kw_only=True):
    """Of one text. None: not known, or not asked for.

    `p_conv` and `reward` need a bundle with a model of conversion (docs/conversion.md). `diversity` 0..1 is how unlike
    the others of its set a text is, `sentiment` -1..1 VADER's compound score of its own words, `readability` Flesch's
    reading ease, `cta` 1 where the call that was asked for is made and 0 where not, `relevance` 0..1 its likeness to
    the product's own text.
    """

    p_conv: float | None = None
    reward: float | None = None
    diversity: float | None
    sentiment: float
    readability: float | None
    cta: float | None
    relevance: float


def scores_of(
    slot_texts: Sequence[str], shown: Sequence[str], cta: str, product: Product, embedder: Embedder[Vector]
) -> tuple[list[Scores], float | None]:
    """The scores of each text of a set, and the set's diversity (equation 1). `slot_texts` and `shown` go together."""
    product_vector, *vectors = embedder.embed([product_text(product), *shown])
    scores = [
        Scores(
            diversity=_rounded(apart),
            sentiment=polarity(slot_text),
            readability=_rounded(flesch(text)),
            cta=None if cta == "none" else float(has_cta(slot_text, cta)),
            relevance=round(cosine(product_vector, vector), 4),
        )
        for slot_text, text, vector, apart in zip(slot_texts, shown, vectors, marginal_diversity(vectors), strict=True)
    ]
    return scores, _rounded(set_diversity(vectors))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
