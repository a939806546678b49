"""Malformed records: what a careless, broken or hostile producer puts on the input log. Each has to be rejected."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from schemas.topics import MAX_EVENT_BYTES

Event = dict[str, Any]
Fault = Callable[[Event], bytes]


def _with(**fields: object) -> Fault:
    return lambda event: orjson.dumps({**event, **fields})


def _without(field: str) -> Fault:
    return lambda event: orjson.dumps({name: value for name, value in event.items() if name != field})


def _always(value: bytes) -> Fault:
    return lambda _: value


def _order(line: Mapping[str, object] | None = None, **fields: object) -> Fault:
    def fault(event: Event) -> bytes:
        good = {"line": 1, "product_id": event["product_id"], "quantity": 1, "revenue_minor": 1_000}
        order = {
            "kind": "order_placed",
            "order_id": event["event_id"],
            "currency": "USD",
            "lines": [{**good, **(line or {})}],
        }
        return orjson.dumps({**event, **order, **fields})

    return fault


def _oversized(event: Event) -> bytes:
    bare = len(orjson.dumps({**event, "note": ""}))
    return orjson.dumps({**event, "note": "x" * (MAX_EVENT_BYTES * 11 // 10 - bare)})


def _nested(event: Event) -> bytes:
    deep: object = "end"
    for _ in range(200):
        deep = {"deeper": deep}
    return orjson.dumps({**event, "context": deep})


FAULTS: Mapping[str, Fault] = {
    "truncated": lambda event: orjson.dumps(event)[:-17],
    "not_utf8": lambda event: orjson.dumps({**event, "user_agent": "@@"}).replace(b"@@", b"\xff\xfe\x80"),
    "wrong_type": _with(position="third"),
    "unknown_kind": _with(kind="product_teleported"),
    "no_kind": _without("kind"),
    "oversized": _oversized,
    "no_event_id": _without("event_id"),
    "no_user_id": _without("user_id"),
    "empty_user_id": _with(user_id=""),
    "blank_event_id": _with(event_id="   "),
    "null_product_id": _with(product_id=None),
    "far_future": _with(time="2099-01-01T00:00:00Z"),
    "epoch": _with(time="1970-01-01T00:00:00Z"),
    "no_zone": lambda event: orjson.dumps({**event, "time": str(event["time"]).rstrip("Z")}),
    "no_time": _with(time="yesterday"),
    "negative_price_minor": _with(price_minor=-1_999),
    "negative_price": _with(price="-19.99"),
    "negative_revenue": _order({"revenue_minor": -1}),
    "order_without_lines": _order(lines=[]),
    "quantity_zero": _order({"quantity": 0}),
    "array": lambda event: orjson.dumps([event]),
    "number": _always(b"42"),
    "empty": _always(b""),
    "not_json": lambda event: b"GET /product?id=" + str(event["product_id"]).encode() + b" HTTP/1.1",
    "not_a_number": lambda event: orjson.dumps({**event, "price": "@@"}).replace(b'"@@"', b"NaN"),
    "nested": _nested,
    "long_id": _with(event_id="e" * 300),
    "null_bytes": _always(b"\x00" * 64),
}
"""Name -> a function that spoils a good event."""

ONCE = "oversized"
"""The kind that occurs at most once in a run: it alone is as large as thousands of events."""
