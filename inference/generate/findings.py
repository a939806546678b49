"""What a check found in a text: the code that goes on the wire, and the words that a person needs to see why."""

from msgspec import Struct

from schemas.errors import Code


class Finding(Struct, frozen=True, gc=False):
    """One fault of one text. `what` quotes the text, or says what it lacks."""

    code: Code
    what: str


def codes_of(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """The codes, each once, in the order in which they were found."""
    return tuple(dict.fromkeys(finding.code.value for finding in findings))
