"""Texts that a person has rejected, or that are retired, as a text is recognised again."""

from inference.generate.findings import Finding
from inference.text.ngrams import words
from schemas.errors import Code


def text_key(slot_text: str) -> str:
    """What makes two texts the same: their words and slots, in order. Case, blanks and punctuation do not."""
    return " ".join(words(slot_text))


def rejected(slot_text: str) -> tuple[Finding, ...]:
    """What is wrong with a text that a person has rejected."""
    return (Finding(Code.COPY_REJECTED, f"a person has rejected {slot_text!r}"),)


def retired(slot_text: str, segment: str) -> tuple[Finding, ...]:
    """What is wrong with a text that has worn off in a segment."""
    return (Finding(Code.COPY_RETIRED, f"{slot_text!r} is retired for {segment}"),)
