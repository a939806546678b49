"""Which ids can be asked for, and the bytes that Feast's stores have for them."""

import pytest

from features.store.keys import key_encoder, sound, whole_number
from features.store.plan import ViewPlan


def plan(key_type: str) -> ViewPlan:
    return ViewPlan(
        name="v",
        join_key="user_id",
        stored_key="user_id",
        key_type=key_type,
        types={},
        ttl_ms=0,
        view=None,
        aliased=False,
        computed=False,
    )


def test_a_text_key_in_bytes() -> None:
    expected = (
        bytes.fromhex("01000000 02000000 07000000") + b"user_id" + bytes.fromhex("02000000 03000000") + b"u\xc3\xa9"
    )
    assert key_encoder(plan("STRING"))("ué") == expected


def test_a_number_key_in_bytes() -> None:
    head = bytes.fromhex("01000000 02000000 07000000") + b"user_id"
    assert key_encoder(plan("INT64"))("-2") == head + bytes.fromhex("04000000 08000000 feffffffffffffff")
    assert key_encoder(plan("INT32"))("5") == head + bytes.fromhex("03000000 04000000 05000000")


@pytest.mark.parametrize("key", ["u5", "05", "+5", " 5", "5.0", "", "9223372036854775808", "٥"])
def test_text_that_is_no_number_is_in_no_row_of_a_number_keyed_view(key: str) -> None:
    assert whole_number(key, "INT64") is None
    assert key_encoder(plan("INT64"))(key) is None


@pytest.mark.parametrize(("key", "fine"), [("u1", True), ("é", True), ("", False), (None, False), (5, False)])
def test_sound_ids(key: object, fine: bool) -> None:
    assert sound(key) is fine


def test_half_a_surrogate_is_not_sound() -> None:
    assert not sound("u\ud800")
