"""Values as Feast's public calls return them, made plain."""

from datetime import UTC, datetime

import pytest

from features.store.values import normalise


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ("", ""),
        (True, True),
        (0, 0),
        (1.5, 1.5),
        (float("nan"), None),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (b"\x00\xff", "AP8="),
        ([1, 2], "[1, 2]"),
        ({"b", "a"}, '["a", "b"]'),
        ({"a": "é"}, '{"a": "é"}'),
    ],
)
def test_everything_becomes_text_number_truth_or_null(given: object, expected: object) -> None:
    assert normalise(given) == expected
    assert type(normalise(given)) is type(expected)
