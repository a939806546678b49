"""A right number with a wrong unit is found; the same amount in another unit of its family is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.generate.measurements import UNITS, mismeasured

RECORD = ("350 ml", "13-inch screen, 1.5 kg", "8 GB, 5 m cable", "18 in", "19.99 CHF")


@pytest.mark.parametrize(
    "text",
    ["350ml", "0.35 l", "13 inches", '13"', "1500 g", "8GB", "5 m", "18 inches", "19.99 CHF", "5 in tests", ""],
)
def test_what_the_record_measures_passes(text):
    assert mismeasured(text, RECORD) == ()


@pytest.mark.parametrize("text", ["350 l", "350 g", "13 cm", "1.5 g", "8 TB", "5 mm", "18 cm", "19.99 SEK", "35 ml"])
def test_another_unit_or_another_number_does_not(text):
    assert mismeasured(f"It is {text}.", RECORD) == (text,)


@given(st.integers(1, 999), st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)))
def test_a_number_passes_in_its_own_unit_and_in_no_other(number, unit, other):
    assert mismeasured(f"{number} {unit}", (f"{number} {unit}",)) == ()
    if UNITS[unit] != UNITS[other] and "in" not in (unit, other):
        assert mismeasured(f"{number} {other}", (f"{number} {unit}",)) == (f"{number} {other}",)
