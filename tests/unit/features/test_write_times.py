"""The time a row is written with: later than the last of its key, none where it is older."""

import pytest

from features.store.writer import _next_time


@pytest.mark.parametrize(
    ("last_us", "event_ms", "expected"),
    [
        (None, 5, 5_000),
        (4_999, 5, 5_000),
        (5_000, 5, 5_001),
        (5_998, 5, 5_999),
        (6_000, 5, None),
        (5_000, 4, None),
    ],
)
def test_next_time(last_us: int | None, event_ms: int, expected: int | None) -> None:
    assert _next_time(last_us, event_ms) == expected
