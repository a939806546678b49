"""Which tokens of a text call to action, by the phrases that the check of written copy looks for."""

from collections.abc import Iterator, Sequence

from inference.generate.checks import cta_phrases
from inference.generate.slots import SLOT


def call_places(text: str, cta: str, offsets: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The places of tokens that hold a letter of a phrase of a call of type `cta`; none where nothing was asked for.

    `offsets` are [start, end) of each token in the text, in characters.
    """
    spans = list(_spans(text, cta))
    return tuple(
        place
        for place, (start, end) in enumerate(offsets)
        if any(start < until and begin < end for begin, until in spans)
    )


def _spans(text: str, cta: str) -> Iterator[tuple[int, int]]:
    pattern = cta_phrases().get(cta)
    if pattern is None:
        return
    # As long as the text, so that what is found stands there too: a slot is a gap, a letter with no small form of one
    # character stays as it is.
    gaps = SLOT.sub(lambda slot: "\x00" * len(slot.group()), text)
    small = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in gaps)
    for match in pattern.finditer(small):
        yield match.span()
