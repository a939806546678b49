"""Where a text's sentences end."""

import re

# A stop inside a number or a name ("4.6", "e.l.f.x") ends nothing, since no blank follows it.
_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+")


def sentences(text: str) -> list[str]:
    """A text's sentences in order, with their stops. A headline without a stop is one sentence."""
    return [part.strip() for part in _END.split(text) if part.strip()]
