"""How kindly a text speaks, by VADER's lexicon and rules (Hutto and Gilbert 2014, ICWSM)."""

from functools import cache
from typing import Any, Literal

from inference.generate.slots import SLOT

Sentiment = Literal["neutral", "positive", "negative"]

# VADER's own bounds for its compound score.
POSITIVE, NEGATIVE = 0.05, -0.05


def polarity(slot_text: str) -> float:
    """The compound score of a text's own words, -1 to 1. Facts take no part: they are not the writer's."""
    compound: float = _analyzer().polarity_scores(SLOT.sub("", slot_text))["compound"]
    return compound


def sentiment(slot_text: str) -> Sentiment:
    """The label of a score."""
    score = polarity(slot_text)
    return "positive" if score >= POSITIVE else "negative" if score <= NEGATIVE else "neutral"


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
