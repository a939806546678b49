"""Cells and buckets: what keys say, and when a bucket ends."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.cells import (
    LIFE,
    TEXT_DAY,
    TOTAL,
    WIDTHS,
    ArmCell,
    Cell,
    Width,
    bucket_name,
    bucket_start,
    cell_of,
    expires_ms,
    is_kept,
)

CODES = st.integers(0, 2**32 - 1)
MOMENTS = st.integers(0, 2**42)


@given(CODES, CODES, CODES, CODES, st.sampled_from(["life", "1m:60", "1d:86400"]))
def test_a_cells_text_names_it(experiment: int, category: int, segment: int, variant: int, bucket: str) -> None:
    cell = Cell("cohort", bucket, ArmCell(experiment, category, segment, variant))
    assert cell_of(cell.text()) == cell
    assert cell_of(TOTAL.text()) == TOTAL


@given(st.sampled_from([*WIDTHS, TEXT_DAY]), MOMENTS, MOMENTS)
def test_a_bucket_is_kept_until_its_end_and_then_some(width: Width, moment_ms: int, high_ms: int) -> None:
    start = bucket_start(width, moment_ms)
    assert start <= moment_ms < start + width.width_ms
    end = expires_ms(width.family, bucket_name(width, start))
    assert end is not None
    assert is_kept(width, start, high_ms) == (high_ms < end)
    assert is_kept(width, start, end - 1)
    assert not is_kept(width, start, end)
    assert expires_ms(width.family, LIFE) is None
