"""Values of cells: text, numbers, lists. A CSV has text where JSON has types; both come out the same."""

import math
from collections.abc import Mapping

import orjson

from patter.files.amounts import plain_number


def present(value: object) -> object:
    """The value, or None for an empty or blank cell."""
    return None if isinstance(value, str) and not value.strip() else value


def identifier(value: object) -> str:
    """An id, untouched; numbers as their digits. Raises ValueError."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{value!r} is no id")


def text(value: object) -> str:
    """Text without blanks around it; numbers as they are written. Raises ValueError."""
    try:
        return identifier(value).strip()
    except ValueError:
        raise ValueError(f"{_shown(value)} is no text") from None


def number(value: object) -> float:
    """A number. Raises ValueError."""
    if isinstance(value, str):
        value = float(plain_number(value))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{_shown(value)} is no number")
    return float(value)


def whole(value: object) -> int:
    """A whole number; `3.0` is one. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = number(value)
    if not found.is_integer():
        raise ValueError(f"{_shown(value)} is no whole number")
    return int(found)


def percent(value: object) -> float:
    """A number of per cent: `20`, `"20"` or `"20%"`. Raises ValueError."""
    return number(value.strip().removesuffix("%").strip() if isinstance(value, str) else value)


def share(value: object) -> float:
    """A share of 1: `0.35` or `"35%"`. Raises ValueError, also outside of 0..1."""
    found = percent(value)
    if isinstance(value, str) and value.strip().endswith("%"):
        found /= 100
    if not 0 <= found <= 1:
        raise ValueError(f"{_shown(value)} is no share between 0 and 1")
    return found


def items(value: object) -> list[str]:
    """A list of texts, or one text with `;` between them. Raises ValueError."""
    if isinstance(value, list):
        return [found for each in value if (found := text(each))]
    return [part.strip() for part in text(value).split(";") if part.strip()]


def kept(value: object) -> str:
    """Any value as text, for columns that are kept and not read."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def kept_all(values: object) -> dict[str, str]:
    """The kept columns of a record that was written by Patter. Raises ValueError."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{_shown(values)} is no object")
    return {str(name): kept(value) for name, value in values.items() if value is not None}


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
