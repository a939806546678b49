"""The compiled gate, seen-set and look at what is remembered, against those in Python: the same answers."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.decode import WITH_PRODUCT
from schemas.errors import Code
from schemas.events import KIND_OF
from streams.kafka.records import Record
from streams.serve import native
from streams.serve.context import Basis, Side, at_hand
from streams.serve.gate import CompiledGate, PlainGate
from streams.serve.seen import Seen, SeenIds, seen_ids

pytestmark = pytest.mark.skipif(not native.compiled(), reason="there is one gate here")

ARRIVED_MS = 1_780_000_000_000
ASKING = frozenset(kind for kind, name in KIND_OF.items() if name in {"product_viewed", "cart_added"})


class Agents(dict[str | None, bool]):
    def __missing__(self, agent: str | None) -> bool:
        return agent is not None and "bot" in agent


def compiled_seen(window: int) -> Seen:
    return native.module.SeenIds(window, b"s" * 16)  # type: ignore[no-any-return]


IDS = st.one_of(st.sampled_from(["a", "b", "é", "\u61e9", "\xe9a", "😀", " ", "\t", "\u2003", ""]), st.text(max_size=5))
# Around every limit, in every spelling of UTC, other zones, and no time at all.
TIMES = st.one_of(
    st.sampled_from([-30 * 86_400_000, -120_000, 0, 120_000, 300_000]).flatmap(
        lambda limit: st.integers(limit - 2, limit + 2)
    ),
    st.sampled_from(["2026-05-28T22:26:40+02:00", "2026-05-28T20:26:40", "yesterday", 5, "0001-01-01T00:00:00Z"]),
)
EVENTS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(
            ["product_viewed", "cart_added", "page_viewed", "list_viewed", "impression", "nothing"]
        ),
        "event_id": IDS,
        "user_id": IDS,
        "time": TIMES,
    },
    optional={
        "product_id": st.one_of(st.none(), IDS),
        "user_agent": st.one_of(st.none(), st.sampled_from(["a browser", "a bot"])),
        "price": st.one_of(st.none(), st.floats(-1, 1), st.sampled_from(["-1", " -0.5", "3"]), st.integers(-1, 1)),
        "pad": st.integers(400, 600).map("x".__mul__),
    },
)
VALUES = st.one_of(
    EVENTS.map(lambda event: {**event, "time": spelled(event["time"])}).map(lambda event: json.dumps(event).encode()),
    st.sampled_from([None, b"", b"{", b"[1]", b"\xff", b"null"]),
)


def spelled(time: Any) -> Any:
    from datetime import UTC, datetime

    if not isinstance(time, int) or time == 5:
        return time
    return datetime.fromtimestamp((ARRIVED_MS + time) / 1000, UTC).isoformat(timespec="milliseconds")


@given(st.lists(st.tuples(st.integers(0, 1), VALUES), max_size=30), st.integers(1, 8), st.lists(st.booleans()))
def test_two_gates_sort_alike(log: list[tuple[int, bytes | None]], size: int, commits: list[bool]) -> None:
    gates = PlainGate(ASKING), CompiledGate(ASKING)
    seens = tuple({partition: make(3) for partition in (0, 1)} for make in (SeenIds, compiled_seen))
    ends = [0, 0]
    records = []
    for partition, value in log:
        records.append(Record("events", partition, ends[partition], ARRIVED_MS, None, value))
        ends[partition] += 1
    while records:
        batch = records[:size]
        plain, fast = (gate.sort(batch, seen, Agents()) for gate, seen in zip(gates, seens, strict=True))
        assert plain == fast
        committed = commits.pop() if commits else True
        for seen in seens:
            for ids in seen.values():
                ids.commit() if committed else ids.forget()
        if committed:
            records = records[size:]


@given(st.lists(st.tuples(IDS, st.sampled_from(["judge", "judge", "commit", "forget", "put"]))), st.integers(1, 9))
def test_two_seen_sets_judge_alike(steps: list[tuple[str, str]], window: int) -> None:
    plain, fast, kept, offset = SeenIds(window), compiled_seen(window), 0, 0
    for event_id, what in steps:
        if what == "forget":
            plain.forget()
            fast.forget()
            offset = kept
            continue
        answers = [getattr(seen, what)(*((offset, event_id) if what != "commit" else ())) for seen in (plain, fast)]
        assert answers[0] == answers[1]
        offset += what != "commit"
        if what != "judge":
            kept = offset
        assert len(plain) == len(fast)


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_a_large_batch_that_is_forgotten_leaves_nothing(seed: int) -> None:
    """Larger than the first table, so that it grows between what is done and what is undone."""
    ids = [f"{seed}-{number}" for number in range(4000)]
    seen = compiled_seen(10**6)
    for offset, event_id in enumerate(ids[:500]):
        seen.put(offset, event_id)
    assert [seen.judge(offset, event_id) for offset, event_id in enumerate(ids, 500)] == [True] * 500 + [False] * 3500
    assert len(seen) == 4000
    seen.forget()
    assert len(seen) == 500
    assert [seen.judge(offset, event_id) for offset, event_id in enumerate(ids, 500)] == [True] * 500 + [False] * 3500


def test_narrow_and_wide_ids_of_the_same_bytes_are_two() -> None:
    """U+61E9 is kept as the bytes E9 61 by a little-endian machine; so is the Latin text of these two."""
    seen = compiled_seen(10)
    seen.put(0, "\xe9a")
    assert not seen.judge(1, "\u61e9")


SIDES = st.builds(
    lambda until: Side(b'"u"', b"", b"", b"", None, Code.HOLDOUT, until, Basis((), {})), st.integers(0, 2**63 - 1)
)


@given(
    st.dictionaries(st.sampled_from("abcd"), SIDES),
    st.lists(st.sampled_from("abcdef"), max_size=30),
    st.integers(0, 2**63 - 1),
)
@example({}, [], 0)
def test_two_looks_find_the_same(known: dict[str, Side], users: list[str], now_ms: int) -> None:
    triggers = [(kind_with_user(user), 0, 0) for user in users]
    assert native.module.at_hand(known, triggers, "user_id", now_ms) == at_hand(known, triggers, "user_id", now_ms)


def kind_with_user(user_id: str) -> Any:
    from datetime import UTC, datetime

    from schemas.events import ProductViewed

    return ProductViewed(event_id="e", user_id=user_id, product_id="p", time=datetime.now(UTC))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: CompiledGate(ASKING).sort([object()], {}, Agents()), AttributeError),  # type: ignore[list-item]
        (lambda: CompiledGate(ASKING).sort([good()], {}, Agents()), KeyError),
        (lambda: CompiledGate(ASKING).sort([good()], {0: SeenIds(3)}, Agents()), TypeError),
        (lambda: CompiledGate(ASKING).sort([good()], {0: compiled_seen(3)}, {}), KeyError),
        (lambda: native.module.SeenIds(3, b"short"), ValueError),
        (lambda: native.module.SeenIds.__new__(native.module.SeenIds).judge(0, "x"), RuntimeError),
        (lambda: native.module.Gate.__new__(native.module.Gate).sort([], {}, {}), RuntimeError),
        (lambda: native.module.at_hand({"u": 1}, [(kind_with_user("u"), 0, 0)], "user_id", 0), TypeError),
        (lambda: native.module.at_hand({}, [3], "user_id", 0), TypeError),
    ],
)
def test_what_is_wrong_is_an_error_and_no_crash(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def good() -> Record:
    value = json.dumps(
        {"kind": "product_viewed", "event_id": "e", "user_id": "u", "product_id": "p", "time": spelled(0)}
    ).encode()
    return Record("events", 0, 0, ARRIVED_MS, None, value)


def test_the_faster_seen_set_is_taken_and_kinds_with_products_are_known() -> None:
    assert type(seen_ids(3)) is native.module.SeenIds
    assert WITH_PRODUCT >= ASKING
