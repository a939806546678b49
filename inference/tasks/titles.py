"""Titles that answer a search: which of its words are true of a product, and what a title may say besides its facts.

A search is no source of facts. "Waterproof leather bag" says nothing of the bag that is found, so a title's own words
have to stand in the product's record, all but those that only join.
"""

from collections.abc import Iterator

from inference.generate.findings import Finding
from inference.generate.phrases import words
from inference.generate.record import Record
from inference.generate.slots import SLOT
from schemas.errors import Code

JOINING = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "is", "are", "of", "on", "or", "the", "this", "these", "to")
    + ("with", "your", "you")
)
"""Words of a title that state nothing."""

_SIGNS = frozenset(".!?,;:")


def searched(query: str) -> tuple[str, ...]:
    """The words of a search that ask for something, each once, in order and without case."""
    return tuple(word for word in dict.fromkeys(words(query)) if word not in JOINING and word not in _SIGNS)


def borne_out(query: str, record: Record) -> tuple[str, ...]:
    """The words of a search that some column of the product's record holds, as it is written there."""
    return tuple(word for word in searched(query) if record.says((word,)))


def answered(shown: str, query: tuple[str, ...]) -> tuple[str, ...]:
    """Those of these words that a title holds."""
    said = frozenset(words(shown))
    return tuple(word for word in query if word in said)


def beyond(slot_text: str, record: Record) -> Iterator[Finding]:
    """Every word of a title's own that is in no column of the record."""
    for word in dict.fromkeys(words(SLOT.sub(" . ", slot_text))):
        if word not in _SIGNS and word not in JOINING and word != "\x00" and not record.says((word,)):
            yield Finding(Code.COPY_UNBACKED, word)
