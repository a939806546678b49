"""Template copy: the control arm, and the answer while the pool has nothing yet.

A template never fails: the last in every list needs no more than a name. Texts obey the same checks as written ones.
"""

from collections.abc import Iterator, Set

from inference.generate.render import slots_in

# By segment; within a list the first text whose facts are all known is taken, so the richest stand first.
# Room for the name decides their length: the literal part stays under 60 characters.
_BY_SEGMENT: dict[str, tuple[str, ...]] = {
    "bargain_hunter": (
        "{NAME}: {OFF} off, now {PRICE}. Shop today.",
        "{NAME} for {PRICE}. See the price and decide.",
        "{NAME}: {OFF} off right now. Take a look.",
    ),
    "loyal": (
        "Good to see you again. {NAME} from {BRAND}, {PRICE}. Shop now.",
        "Good to see you again. {NAME}, {PRICE}. Shop now.",
        "Good to see you again. Take a look at {NAME}.",
    ),
    "big_spender": (
        "{NAME} by {BRAND}, {PRICE}. Take a closer look.",
        "{NAME}, {PRICE}. Take a closer look.",
    ),
    "lapsed": (
        "Welcome back. {NAME}, {PRICE}. Have a look.",
        "Welcome back. Have a look at {NAME}.",
    ),
    "new": (
        "Welcome. Start with {NAME}, {PRICE}. Take a look.",
        "Welcome. Start with {NAME}. Take a look.",
    ),
}
_ANY = (
    "{NAME}, now {OFF} off: {PRICE}. Shop now.",
    "{NAME}: {FEATURE}. {PRICE}. Shop now.",
    "{NAME} from {BRAND}, {PRICE}. Shop now.",
    "{NAME}, {PRICE}. Shop now.",
    "{NAME}: take a look.",
    "{NAME}",
)
# Where a channel's texts are too short for a call to action.
_TERSE = ("{NAME}, {PRICE}", "{NAME}")
_TERSE_CHANNELS = frozenset({"email_subject"})


def template_text(category: str, segment: str, channel: str, facts_available: Set[str]) -> str:
    """The control's text with its slots open; the same arguments give the same text.

    `category` takes no part yet: a template that fits every category is what the control arm stands for.
    """
    del category
    return next(text for text in template_texts(segment, channel) if slots_in(text) <= facts_available | {"NAME"})


def template_texts(segment: str, channel: str) -> Iterator[str]:
    """Every template for a segment in a channel, in the order in which they are tried."""
    if channel in _TERSE_CHANNELS:
        yield from _TERSE
        return
    yield from _BY_SEGMENT.get(segment, ())
    yield from _ANY
