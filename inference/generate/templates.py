"""Template copy: the control arm, and the answer where no written text passed.

A template never fails: the last in every list needs no fact at all and fits the shortest channel. Texts obey the same
checks as written ones, and say nothing but facts and a call.
"""

from collections.abc import Iterator, Mapping, Set
from itertools import product

from inference.generate.channels import HEADLINES, NAMED_ELSEWHERE
from inference.generate.grammar import with_grammar
from inference.generate.render import compile_text, render, slots_in
from inference.generate.slots import GRAMMAR

LEAST_ROOM = 30
"""In so many characters every request has a template."""

_OPENINGS = {"loyal": "Good to see you again. ", "lapsed": "Welcome back. ", "new": "Welcome. "}
# The richest stand first; what is said of a discount, before all else.
_BODIES = (
    "{NAME} {IS} {OFF} off: now {PRICE}.",
    "{NAME} from {BRAND}: {FEATURE}. {PRICE}.",
    "{NAME}: {FEATURE}. {PRICE}.",
    "{NAME} from {BRAND} {IS} {PRICE}.",
    "{NAME} {IS} {PRICE}.",
    "{NAME}: {FEATURE}.",
    "{NAME} from {BRAND}.",
    "{NAME}.",
)
_BODIES_OF = {
    "bargain_hunter": ("{NAME}: {OFF} off, now {PRICE}.", "{NAME} for {PRICE}.", "{NAME}: {OFF} off right now."),
    "big_spender": ("{NAME} by {BRAND}, {PRICE}.", "{NAME}, {PRICE}."),
}
_LONG = ("{NAME} from {BRAND} {IS} {PRICE}. {FEATURE}. {FEATURE2}.", "{NAME} {IS} {PRICE}. {FEATURE}. {FEATURE2}.")
_CLOSERS = {
    "none": "",
    "shop": " Shop now.",
    "discover": " Take a look.",
    "save": " See the price and decide.",
    "remind": " Take another look.",
}
_CLOSERS_OF = {("bargain_hunter", "shop"): " Shop today.", ("big_spender", "discover"): " Take a closer look."}
_CTA_OF = {"bargain_hunter": "save", "big_spender": "discover", "lapsed": "discover", "new": "discover"}
# A call to save says at least a price.
_PRICED = frozenset({"OFF", "PRICE"})

_HEADLINES = {
    "none": ("{NAME}, {PRICE}", "{NAME}"),
    "shop": ("Shop {NAME}, {PRICE}", "Shop {NAME}"),
    "discover": ("Discover {NAME}, {PRICE}", "Discover {NAME}"),
    "save": ("{NAME}, {OFF} off", "{NAME} at this price: {PRICE}"),
    "remind": ("Still here: {NAME}, {PRICE}", "Still here: {NAME}"),
}
# Where the name takes all the room. The channels with least of it show the name beside the text.
_NAMELESS = {
    "none": ("{BRAND}, {PRICE}", "Have you seen {THIS}?"),
    "shop": ("Shop now for {PRICE}", "Shop now"),
    "discover": ("Take a look: {PRICE}", "Take a look"),
    "save": ("{OFF} off, now {PRICE}", "{OFF} off", "At this price: {PRICE}"),
    "remind": ("Still on your mind?",),
}


def template_text(category: str, segment: str, channel: str, facts_available: Set[str]) -> str:
    """The control's text with its slots open; the same arguments give the same text.

    `category` takes no part yet: a template that fits every category is what the control arm stands for.
    """
    del category
    known = facts_available | {"NAME"} | GRAMMAR.keys()
    return next(text for text in template_texts(segment, channel) if slots_in(text) <= known)


def fitting_templates(facts: Mapping[str, str], segment: str, channel: str, cta: str, max_chars: int) -> Iterator[str]:
    """The templates whose facts are known and that keep to `max_chars` once filled, the best first.

    There is one at least where `max_chars` is LEAST_ROOM or more; those without the name come last.
    """
    known = with_grammar(facts)
    for text in template_texts(segment, channel, cta):
        shown = render(compile_text(text), known)
        if shown is not None and len(shown) <= max_chars:
            yield text


def template_texts(segment: str, channel: str, cta: str | None = None) -> Iterator[str]:
    """Every template for a segment in a channel, in the order in which they are tried: those with the call that is
    asked for, the plain ones, then those without the name. Without `cta` the call is the segment's own.

    Where the name stands beside the text anyway, a call without it comes before a name without a call.
    """
    yield from dict.fromkeys(_ordered(segment, channel, cta))


def _ordered(segment: str, channel: str, cta: str | None) -> Iterator[str]:
    if channel in HEADLINES and channel != "banner":
        wanted = cta if cta in _HEADLINES else "none"
        called = _NAMELESS[wanted] if cta and channel in NAMED_ELSEWHERE else ()
        yield from (*_HEADLINES[wanted], *called, *_HEADLINES["none"], *_NAMELESS[wanted], *_NAMELESS["none"])
        return
    wanted = cta if cta in _CLOSERS else _CTA_OF.get(segment, "shop")
    yield from _sentences(segment, channel, wanted)
    yield from _sentences(segment, channel, "none")
    for text in (*_NAMELESS[wanted], *_NAMELESS["none"]):
        yield text if text.endswith("?") else f"{text}."


def _sentences(segment: str, channel: str, cta: str) -> Iterator[str]:
    long = _LONG if channel == "description" else ()
    bodies = dict.fromkeys((*long, *_BODIES_OF.get(segment, ()), *_BODIES))
    closer = _CLOSERS_OF.get((segment, cta), _CLOSERS[cta])
    openings = dict.fromkeys((_OPENINGS.get(segment, ""), ""))
    for body, opening in product(bodies, openings):
        if cta != "save" or slots_in(body) & _PRICED:
            yield f"{opening}{body}{closer}"
