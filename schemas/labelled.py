"""What shoppers said or did, each with the intent behind it, as training and evaluation read it."""

from typing import Annotated

from msgspec import Meta, Struct

Words = Annotated[str, Meta(min_length=1)]


class LabelledText(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One text and its intent. `kind` is what it speaks of (a category of goods), where that is known."""

    text: Words
    intent: Words
    kind: str | None = None
