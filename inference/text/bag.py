"""A text as a bag of words: TF-IDF of words and word pairs, weighed by their strengths.

P_conv has two scores of a text's words. Keyword strength (`inference.text.conversion`) sums what words are worth; this
one looks at the text's direction in the space of words, so that rare words count for more and each text has length 1
(Salton and Buckley 1988, doi 10.1016/0306-4573(88)90021-0). The two err on different texts.
"""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from math import log, sqrt

# Words of two characters or more: with "a" and "I" left out, pairs reach from one word of weight to the next.
_WORD = re.compile(r"\w\w+")

Term = tuple[float, float]
"""A word's or pair's rarity (smoothed log of texts over texts that hold it, plus 1), and its strength."""


def terms(text: str) -> Counter[str]:
    """How often a text holds each word and each pair of words, joined by a blank."""
    found = _WORD.findall(text.lower())
    return Counter([*found, *map(" ".join, pairwise(found))])


def bag_strength(known: Mapping[str, Term], text: str) -> float:
    """The strengths of a text's known terms, each times (1 + log count) * rarity, over the length of these as a vector;
    0 where none is known.
    """
    sums = square = 0.0
    for term, count in terms(text).items():
        held = known.get(term)
        if held is not None:
            rarity, strength = held
            part = (1 + log(count)) * rarity
            sums += part * strength
            square += part * part
    return sums / sqrt(square) if square else 0.0
