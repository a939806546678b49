"""Numbers with their units in a text: "350 ml", "13-inch", "19.99 CHF". A right number with a wrong unit is wrong."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from msgspec import Struct

from inference.generate.phrases import words
from inference.generate.record import readings

_CURRENCIES = words("usd eur gbp jpy inr krw chf sek nok dkk pln czk huf cad aud nzd mxn brl")
# What is measured -> unit -> how many of the family's first unit it is. Units of ten that differ by one letter stand
# here because a slip between them is the one that is made.
_FAMILIES: Mapping[str, Mapping[str, str]] = {
    "length": {
        "mm": "1",
        "cm": "10",
        "m": "1000",
        "km": "1000000",
        "inch inches in": "25.4",
        "ft foot feet": "304.8",
        "yd yard yards": "914.4",
        "mile miles mi": "1609344",
    },
    "volume": {"ml": "1", "cl": "10", "dl": "100", "l liter liters litre litres": "1000"},
    "american volume": {
        "fl oz": "1",
        "cup cups": "8",
        "pint pints": "16",
        "quart quarts": "32",
        "gallon gallons": "128",
    },
    "weight": {"mg": "0.001", "g gram grams": "1", "kg kilo kilos": "1000"},
    "american weight": {"oz ounce ounces": "1", "lb lbs pound pounds": "16"},
    "memory": {"kb": "1", "mb": "1000", "gb": "1000000", "tb": "1000000000"},
    "frequency": {"hz": "1", "khz": "1000", "mhz": "1000000", "ghz": "1000000000"},
    "power": {"mw": "0.001", "w watt watts": "1", "kw": "1000"},
    "voltage": {"mv": "0.001", "v volt volts": "1", "kv": "1000"},
    "charge": {"mah": "1", "ah": "1000"},
    "time": {
        "ms": "0.001",
        "sec second seconds": "1",
        "min minute minutes": "60",
        "h hr hrs hour hours": "3600",
        "day days": "86400",
        "week weeks": "604800",
        "month months": "2629800",
        "year years": "31557600",
    },
    "celsius": {"°c": "1"},
    "fahrenheit": {"°f": "1"},
    "threads": {"thread count": "1"},
    "sight": {"mp megapixel megapixels": "1"},
    "definition": {"p": "1", "k": "1000"},
    # Amounts of different currencies are never the same.
    **{code: {code: "1"} for code in _CURRENCIES},
}
UNITS: Mapping[str, tuple[str, Decimal]] = {
    unit: (family, Decimal(factor))
    for family, units in _FAMILIES.items()
    for names, factor in units.items()
    for unit in ([names] if names in ("fl oz", "thread count") else names.split())
}
"""Unit, in small letters -> what it measures, and how many of the family's first unit it is."""

# A preposition far more often than a unit; a record of few words has it as a unit.
_DOUBTFUL = frozenset({"in"})
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_MEASURED = re.compile(
    rf"(?<![\w.,])(?P<amount>\d+(?:[.,'’]\d+)*)(?:[\s-]?(?P<unit>{_UNIT})(?![\w])|\s?(?P<inch>[\"″]))", re.I
)


class Measured(Struct, frozen=True, gc=False):
    """One number with its unit, as it stands, and what it may mean: (family, value in the family's first unit)."""

    text: str
    unit: str
    values: frozenset[tuple[str, Decimal]]


def measured(text: str) -> Iterator[Measured]:
    """Every number that has a unit behind it, in order."""
    for match in _MEASURED.finditer(text):
        unit = "inch" if match["inch"] else match["unit"].casefold()
        family, factor = UNITS[unit]
        values = frozenset((family, value * factor) for value in readings(match["amount"]))
        yield Measured(match.group().strip(), unit, values)


def mismeasured(text: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The measurements of a text that stand in no column of a record, whatever the unit that they are written in."""
    known = {value for column in columns for each in measured(column) for value in each.values}
    return tuple(each.text for each in measured(text) if each.unit not in _DOUBTFUL and not each.values & known)
