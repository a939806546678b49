"""Foreign JSON becomes Patter's events, or says why not."""

import json
from typing import Any

import msgspec
import pytest

from schemas.decode import Rejection
from schemas.errors import Code
from streams.intake.mapping import EventMap, Mapped, walk

NOW_MS = 1_780_000_000_000
SEGMENT = EventMap(
    {
        "kind": "event",
        "event_id": "messageId",
        "user_id": "userId",
        "time": "timestamp",
        "product_id": "properties.products.0.product_id",
    },
    {"Product Viewed": "product_viewed"},
)


def source(**changes: Any) -> bytes:
    body: dict[str, Any] = {
        "event": "Product Viewed",
        "messageId": "m1",
        "userId": 42,
        "timestamp": "2026-05-28T20:26:40Z",
        "properties": {"products": [{"product_id": 7}]},
    }
    return json.dumps({**body, **changes}).encode()


def test_a_foreign_event_is_mapped_and_keyed_by_its_shopper() -> None:
    mapped = SEGMENT.apply(source(), "t/0/1", NOW_MS)
    assert isinstance(mapped, Mapped)
    assert mapped.key == b"42"
    assert msgspec.json.decode(mapped.value) == {
        "kind": "product_viewed",
        "event_id": "m1",
        "user_id": "42",
        "time": "2026-05-28T20:26:40Z",
        "product_id": "7",
    }


@pytest.mark.parametrize("moment", [1_780_000_000, 1_780_000_000_000, 1_780_000_000_000_000, "1780000000.5"])
def test_times_as_numbers_are_read_in_their_unit(moment: object) -> None:
    mapped = SEGMENT.apply(source(timestamp=moment), "t/0/1", NOW_MS)
    assert isinstance(mapped, Mapped)
    assert msgspec.json.decode(mapped.value)["time"].startswith("2026-05-28T20:26:40")


def test_other_kinds_are_ignored_where_kinds_are_named() -> None:
    assert SEGMENT.apply(source(event="Page Loaded"), "t/0/1", NOW_MS) is None


def test_without_an_id_the_place_names_the_event() -> None:
    event_map = EventMap({**SEGMENT.paths, "event_id": "nowhere"}, SEGMENT.kinds)
    mapped = event_map.apply(source(), "t/3/9", NOW_MS)
    assert isinstance(mapped, Mapped)
    assert msgspec.json.decode(mapped.value)["event_id"] == "t/3/9"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, Code.EMPTY_RECORD),
        (b"{", Code.UNDECODABLE),
        (b"[1]", Code.NOT_AN_OBJECT),
        (source(userId=None), Code.UNMAPPED),
        (source(timestamp="soon"), Code.TIME_INVALID),
        (source(properties={}), Code.MISSING_FIELD),
    ],
)
def test_what_cannot_be_mapped_has_a_code(value: bytes | None, code: Code) -> None:
    answer = SEGMENT.apply(value, "t/0/1", NOW_MS)
    assert isinstance(answer, Rejection)
    assert answer.code is code


def test_paths_walk_objects_lists_and_constants() -> None:
    assert walk({"a": [{"b": 1}]}, "a.0.b") == 1
    assert walk({"a": [{"b": 1}]}, "a.1.b") is None
    assert walk({}, "=fixed") == "fixed"
