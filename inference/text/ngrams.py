"""Words and their n-grams, as every measure on texts here counts them."""

import re
from collections.abc import Sequence

# A slot is one word, unlike any that is written; so are "don't" and "20-hour".
_WORD = re.compile(r"\{[a-z]+[0-9]*\}|\w+(?:['’\-.,]\w+)*")


def words(text: str) -> list[str]:
    """The words of a text in order, without case and punctuation; `{NAME}` of a slot text is the word `{name}`."""
    return _WORD.findall(text.casefold().replace("’", "'"))


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Every run of `n` neighbouring words, in order; none where there are fewer words."""
    return [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]
