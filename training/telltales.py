"""Which words give away the category whose lines they were learned from."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from inference.generate.checks import own_words
from inference.generate.phrases import words
from inference.generate.prompt import ANY
from training.lines import Line

# Of the categories that hold a word, those with a twentieth of what its first one has, or more, are its own: "feet" is
# footwear's though it is put up once on a sofa. A word of more than four categories is everybody's, one of less than
# three lines may be chance. With these the trained corpus has some 580 such words, and 1 % of its lines hold one of
# another category.
_SHARE, _MOST, _LEAST = 0.05, 4, 3


def telltales(lines: Iterable[Line]) -> dict[str, tuple[str, ...]]:
    """Word -> the only categories whose lines it belongs to. Words of lines that fit any category are nobody's."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        for word in set(words(own_words(line.text))):
            counts[word][line.category] += 1
    found = {}
    for word, held in sorted(counts.items()):
        own = tuple(sorted(name for name, count in held.items() if count >= _SHARE * max(held.values())))
        if word.isalpha() and ANY not in own and len(own) <= _MOST and held.total() >= _LEAST:
            found[word] = own
    return found
