"""What a written text is worth: terms of 0 to 1 with weights, and gates that no weight can buy.

Pure. The paper that Patter follows gives no formula for tuning; this one is Patter's own reading of its aims: the mood
that was asked for, variety among the texts for one prompt, a call to action, and the conversion that is expected.
Faithfulness, policy and length are no aims to be weighed: a text that fails one has no reward at all.
"""

from collections.abc import Sequence

from msgspec import Struct

from inference.text.sentiment import NEGATIVE, POSITIVE
from schemas.errors import Code
from training.objective.config import Weights

# The one code that is a term. Every other one, those to come among them, is a gate.
_WEIGHED = frozenset({Code.COPY_CTA_MISSING.value})
_BANDS = {"positive": (POSITIVE, 1.0), "neutral": (NEGATIVE, POSITIVE), "negative": (-1.0, NEGATIVE)}


class Terms(Struct, frozen=True, kw_only=True):
    """One text's terms, 0 to 1 each. `conversion` is None where nothing predicts it, and then it has no weight."""

    sentiment: float
    diversity: float
    cta: float
    conversion: float | None


def gates(codes: Sequence[str]) -> tuple[str, ...]:
    """Those codes of a text for which it has no reward: every one but that of a missing call to action."""
    return tuple(code for code in codes if code not in _WEIGHED)


def reward(terms: Terms, weights: Weights, codes: Sequence[str]) -> float | None:
    """The weighted mean of the terms, 0 to 1; None for a text that fails a gate, whatever its terms are.

    Raises ValueError where no term that is known has a weight.
    """
    if gates(codes):
        return None
    parts = [
        (weights.sentiment, terms.sentiment),
        (weights.diversity, terms.diversity),
        (weights.cta, terms.cta),
        *([] if terms.conversion is None else [(weights.conversion, terms.conversion)]),
    ]
    whole = sum(weight for weight, _ in parts)
    if whole <= 0:
        raise ValueError("no term has a weight")
    return sum(weight * value for weight, value in parts) / whole


def sentiment_fit(polarity: float, asked: str) -> float:
    """1 where a compound score of -1 to 1 has the label that was asked for, else less by its distance from there.

    A sentiment that is not one of the three labels asks for nothing.
    """
    if asked not in _BANDS:
        return 1.0
    low, high = _BANDS[asked]
    return 1 - min(1.0, max(low - polarity, polarity - high, 0.0))


def pair(texts: Sequence[str], rewards: Sequence[float | None], least_gap: float) -> tuple[int, int] | None:
    """(better, worse) of the texts for one prompt, or None where there is no pair to learn from.

    The better is the one of the highest reward. The worse is the first that fails a gate, or else the one of the lowest
    reward where that is `least_gap` below. Without a text that passes every gate there is no pair.
    """
    passed = [(value, place) for place, value in enumerate(rewards) if value is not None]
    if not passed:
        return None
    most, better = max(passed, key=lambda each: (each[0], -each[1]))
    failed = next((place for place, value in enumerate(rewards) if value is None), None)
    if failed is not None:
        return better, failed
    least, worse = min(passed)
    if texts[worse] == texts[better] or most - least < least_gap:
        return None
    return better, worse
