"""Random input logs of feedback: few shoppers, decisions and orders, so that everything meets everything."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas.cells import DAY_MS
from schemas.token import Claims, code_of, sign
from streams.kafka.records import Record

NOW_MS = 1_780_000_000_000
MINUTE = 60_000
KEYS = {1: b"k" * 32}


def token(number: int, after_ms: int, product: str, experiment: str = "x") -> str:
    claims = Claims(
        decision_id=number.to_bytes(16, "little"),
        time_ms=NOW_MS + after_ms,
        # Weights of any size, and one that no policy logs.
        propensity=(1.0, 0.5, 0.013, 1e-6, 0.3)[number % 5] if number != 7 else 0.0,
        holdout=False,
        excluded=False,
        experiment=code_of(experiment),
        policy_version=1,
        arm=number % 5 + 1,
        segment=1,
        category=1,
        product=code_of(product),
        # Every fourth decision is of a token that named no text yet.
        copy=number % 4,
    )
    return sign(claims, 1, KEYS[1])


TIMES = st.sampled_from([0, 1, MINUTE, 60 * MINUTE, 130 * MINUTE, DAY_MS, 8 * DAY_MS])
PRODUCTS = st.sampled_from(["p1", "p2"])
# Who is in several brings to one what they brought to the others before.
EXPERIMENTS = st.sampled_from("xyz")
TOKENS = st.one_of(st.builds(token, st.integers(0, 30), TIMES, PRODUCTS, EXPERIMENTS), st.just("forged"))
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "line": st.integers(1, 3),
            "product_id": PRODUCTS,
            "quantity": st.integers(1, 3),
            "revenue_minor": st.integers(0, 999),
        },
        optional={"token": TOKENS},
    ),
    min_size=1,
    max_size=3,
)
EVENTS = st.one_of(
    st.fixed_dictionaries({"kind": st.sampled_from(["copy_impression", "copy_click"]), "token": TOKENS}),
    st.fixed_dictionaries({"kind": st.just("cart_added"), "product_id": PRODUCTS}, optional={"token": TOKENS}),
    st.fixed_dictionaries({"kind": st.just("product_viewed"), "product_id": PRODUCTS}),
    st.fixed_dictionaries(
        {
            "kind": st.just("order_placed"),
            "order_id": st.sampled_from(["o1", "o2", "o3"]),
            "currency": st.sampled_from(["USD", "USD", "EUR"]),
            "lines": LINES,
        },
        optional={"token": TOKENS},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("order_refunded"),
            "order_id": st.sampled_from(["o1", "o2", "o9"]),
            "refund_id": st.sampled_from(["r1", "r2"]),
        },
        optional={"lines": st.lists(st.fixed_dictionaries({"line": st.integers(1, 4)}), max_size=2)},
    ),
)
LOGS = st.lists(
    st.tuples(
        st.integers(0, 1), st.sampled_from(["ann", "bob"]), TIMES, EVENTS, st.sampled_from([None, None, None, "a bot"])
    ),
    max_size=40,
)


def records_of(log: Sequence[tuple[int, str, int, dict[str, Any], str | None]]) -> list[Record]:
    ends, records = {0: 0, 1: 0}, []
    for partition, user, after_ms, fields, agent in log:
        at = NOW_MS + after_ms
        event = {
            "event_id": f"e{len(records)}",
            "user_id": f"{user}-{partition}",
            "time": datetime.fromtimestamp(at / 1000, UTC),
            **fields,
        }
        if agent:
            event["user_agent"] = agent
        value = msgspec.json.encode(event)
        records.append(Record("events", partition, ends[partition], at, None, value))
        ends[partition] += 1
    return records
