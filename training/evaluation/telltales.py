"""Words by which a text gives away that it was learned from another category's lines.

A bouquet that "sets the table" is no false fact, and still nonsense. No list of such words exists, but the training
itself tells which words belong to one category alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

from inference.text.ngrams import words

ANY = "any"
# A word that a category's lines use in three places is its own; one in a single line may be chance.
_LEAST = 3


def telltales(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Word -> the one category whose lines hold it, from (category, slot text). Words of `any` lines are nobody's."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for category, text in lines:
        for word in set(words(text)):
            counts[word][category] += 1
    found = {}
    for word, by_category in counts.items():
        if len(by_category) == 1 and not word.startswith("{"):
            (category, count), *_ = by_category.items()
            if category != ANY and count >= _LEAST:
                found[word] = category
    return found


def foreign(slot_text: str, category: str, own: Mapping[str, str], record: str) -> tuple[str, ...]:
    """The words of a text that belong to another category than its product's, and do not stand in the record."""
    allowed = set(chain(words(record)))
    return tuple(word for word in words(slot_text) if own.get(word, category) != category and word not in allowed)
