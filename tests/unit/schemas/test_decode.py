"""The one decoder: what is an event, what is not, and why."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from schemas.decode import MAX_AHEAD_MS, MAX_BEHIND_MS, Rejection, decode_event, time_ms
from schemas.errors import RECORD_CODES, Code
from schemas.events import KINDS

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW_MS = time_ms(NOW)
VIEW = {"kind": "product_viewed", "event_id": "e", "user_id": "u", "time": NOW.isoformat(), "product_id": "p"}
ORDER = {
    "kind": "order_placed",
    "event_id": "e",
    "user_id": "u",
    "time": NOW.isoformat(),
    "order_id": "o",
    "currency": "USD",
    "lines": [{"line": 1, "product_id": "p", "quantity": 1, "revenue_minor": 5}],
}


def encoded(base: dict[str, object], **changes: object) -> bytes:
    merged = {**base, **changes}
    return json.dumps({name: value for name, value in merged.items() if value is not ...}).encode()


def line(**changes: object) -> list[dict[str, object]]:
    return [{"line": 1, "product_id": "p", "quantity": 1, "revenue_minor": 5, **changes}]


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        (None, Code.EMPTY_RECORD, ""),
        (b"", Code.EMPTY_RECORD, ""),
        (b"{", Code.UNDECODABLE, ""),
        (b"\xff\xfe", Code.UNDECODABLE, ""),
        (b'{"kind":"product_viewed","event_id":"\xff"}', Code.UNDECODABLE, ""),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, Code.UNDECODABLE, ""),
        (b"x" * 1_000_000, Code.TOO_LARGE, ""),
        (b"[]", Code.NOT_AN_OBJECT, ""),
        (b"null", Code.NOT_AN_OBJECT, ""),
        (encoded(VIEW, kind="bought"), Code.UNKNOWN_KIND, "kind"),
        (encoded(VIEW, kind=7), Code.UNKNOWN_KIND, "kind"),
        (encoded(VIEW, kind=...), Code.UNKNOWN_KIND, "kind"),
        (encoded(VIEW, event_id=...), Code.MISSING_FIELD, "event_id"),
        (encoded(VIEW, user_id=...), Code.MISSING_FIELD, "user_id"),
        (encoded(VIEW, product_id=...), Code.MISSING_FIELD, "product_id"),
        (encoded(VIEW, event_id=""), Code.EMPTY_ID, "event_id"),
        (encoded(VIEW, user_id="  "), Code.EMPTY_ID, "user_id"),
        (encoded(VIEW, product_id="\t"), Code.EMPTY_ID, "product_id"),
        (encoded(VIEW, user_id="u" * 257), Code.ID_TOO_LONG, "user_id"),
        (encoded(VIEW, user_id=5), Code.WRONG_TYPE, "user_id"),
        (encoded(VIEW, product_id=None), Code.WRONG_TYPE, "product_id"),
        (encoded(VIEW, time="yesterday"), Code.TIME_INVALID, "time"),
        (encoded(VIEW, time="2026-06-01T12:00:00"), Code.TIME_INVALID, "time"),
        (encoded(VIEW, time="2099-01-01T00:00:00Z"), Code.TIME_ABSURD, "time"),
        (encoded(VIEW, time="1970-01-01T00:00:00Z"), Code.TIME_ABSURD, "time"),
        (encoded(VIEW, time="0001-01-01T00:00:00+14:00"), Code.TIME_ABSURD, "time"),
        (encoded(VIEW, time="9999-12-31T23:59:59-14:00"), Code.TIME_ABSURD, "time"),
        (encoded(VIEW, price=-1), Code.NEGATIVE_AMOUNT, "price"),
        (encoded(VIEW, price="-1.50"), Code.NEGATIVE_AMOUNT, "price"),
        (encoded(VIEW, price_minor=-1), Code.NEGATIVE_AMOUNT, "price_minor"),
        (encoded(VIEW, position=-1), Code.OUT_OF_RANGE, "position"),
        (encoded(ORDER, lines=[]), Code.OUT_OF_RANGE, "lines"),
        (encoded(ORDER, lines=line(revenue_minor=-5)), Code.NEGATIVE_AMOUNT, "lines[0].revenue_minor"),
        (encoded(ORDER, lines=line(quantity=0)), Code.OUT_OF_RANGE, "lines[0].quantity"),
        (encoded(ORDER, lines=line(product_id="")), Code.EMPTY_ID, "lines[0].product_id"),
    ],
    ids=lambda value: value.decode(errors="replace")[:40] if isinstance(value, bytes) else None,
)
def test_a_bad_record_has_its_code_and_its_field(value: bytes | None, code: Code, field: str) -> None:
    answer = decode_event(value, NOW_MS)
    assert isinstance(answer, Rejection)
    assert (answer.code, answer.field) == (code, field)
    assert answer.code in RECORD_CODES


@pytest.mark.parametrize("base", [VIEW, ORDER])
def test_a_good_record_is_an_event(base: dict[str, object]) -> None:
    answer = decode_event(encoded(base, more={"of": ["the", "shop's"]}), NOW_MS)
    assert not isinstance(answer, Rejection)
    assert answer.event_id == "e"


def test_the_limits_of_time_are_exact() -> None:
    for shift_ms, fine in (
        (MAX_AHEAD_MS, True),
        (MAX_AHEAD_MS + 1, False),
        (-MAX_BEHIND_MS, True),
        (-MAX_BEHIND_MS - 1, False),
    ):
        value = encoded(VIEW, time=(NOW + timedelta(milliseconds=shift_ms)).isoformat())
        assert isinstance(decode_event(value, NOW_MS), Rejection) is not fine, shift_ms


def test_the_size_limit_is_exact() -> None:
    short = encoded(VIEW, session_id="")
    room = 1_000_000 - len(short)
    assert isinstance(decode_event(encoded(VIEW, session_id="s" * room), NOW_MS), Rejection)
    assert not isinstance(decode_event(encoded(VIEW, session_id="s" * (room - 1)), NOW_MS), Rejection)


def test_depth_is_judged_by_the_record_and_not_by_the_caller() -> None:
    long = "x" * 600
    deep = encoded(VIEW, session_id=long, extra=json.loads("[" * 62 + "]" * 62))
    too_deep = encoded(VIEW, session_id=long, extra=json.loads("[" * 70 + "]" * 70))
    brackets_in_text = encoded(VIEW, session_id="[" * 800)
    short = encoded(VIEW, extra=json.loads("[" * 180 + "]" * 180))
    assert len(short) <= 512
    assert not isinstance(decode_event(short, NOW_MS), Rejection)
    assert not isinstance(decode_event(deep, NOW_MS), Rejection)
    assert not isinstance(decode_event(brackets_in_text, NOW_MS), Rejection)
    assert isinstance(decode_event(too_deep, NOW_MS), Rejection)


def test_every_kind_of_the_contract_is_known() -> None:
    assert set(KINDS) == {
        "product_viewed",
        "list_viewed",
        "searched",
        "cart_added",
        "cart_removed",
        "copy_impression",
        "copy_click",
        "order_placed",
        "order_refunded",
        "identified",
    }
