"""Filling slots: a text is compiled once and rendered for every decision."""

from collections.abc import Mapping

from inference.generate.slots import SLOT

Parts = tuple[str, ...]
"""A compiled text: literals at even places, slot names at odd ones."""


def compile_text(slot_text: str) -> Parts:
    """Cut a text at its slots. `"Meet {NAME}."` becomes `("Meet ", "NAME", ".")`."""
    return tuple(SLOT.split(slot_text))


def render(parts: Parts, values: Mapping[str, str]) -> str | None:
    """The text with its slots filled, or None where a slot has no value."""
    out = list(parts)
    for place in range(1, len(out), 2):
        value = values.get(out[place])
        if not value:
            return None
        out[place] = value
    return "".join(out)


def slots_in(slot_text: str) -> frozenset[str]:
    """The names of all slots in a text, known or not."""
    return frozenset(SLOT.findall(slot_text))
