"""Two ways to judge an event, written apart, agree: serve's seen-set with its rules, and the recount's."""

import json

from hypothesis import given
from hypothesis import strategies as st

from patter.demo.recount_figures import covered, percentile
from patter.demo.recount_places import DLQ, DUPLICATE, NOT_TRIGGER, SUPPRESSED, TRIGGER
from patter.demo.recount_verdicts import Judge
from schemas.agents import rules_of_parts
from streams.serve.seen import SeenSet

NOW_MS = 1_790_000_000_000


def _value(name: str, kind: str, agent: str | None) -> bytes:
    if kind == "bad":
        return b"{"
    event = {"kind": kind, "event_id": name, "user_id": "u", "time": "2026-09-21T14:13:20Z", "user_agent": agent}
    return json.dumps({**event, **({} if kind == "list_viewed" else {"product_id": "p"})}).encode()


events = st.tuples(
    st.integers(0, 1),
    st.integers(1, 3),
    st.sampled_from("abcdef"),
    st.sampled_from(["product_viewed", "product_viewed", "searched", "list_viewed", "bad"]),
    st.sampled_from([None, "Googlebot", "Phone"]),
)


@given(st.lists(events, max_size=60), st.integers(1, 12))
def test_the_recount_and_serve_judge_alike(log: list[tuple[int, int, str, str, str | None]], window: int) -> None:
    judge, seen = Judge(["product_viewed", "list_viewed"], rules_of_parts("bot"), window), SeenSet(window)
    offsets = {0: 0, 1: 0}
    for partition in offsets:
        seen.start(partition)
    for partition, step, name, kind, agent in log:
        # Transaction markers leave gaps between offsets.
        offsets[partition] += step
        offset = offsets[partition]
        verdict, _, _ = judge.judge(partition, offset, _value(name, kind, agent), NOW_MS)
        if kind == "bad":
            expected = DLQ
        elif seen.judge(partition, offset, name):
            expected = DUPLICATE
        elif kind in ("searched", "list_viewed"):
            expected = NOT_TRIGGER
        else:
            expected = SUPPRESSED if agent == "Googlebot" else TRIGGER
        seen.commit()
        assert verdict == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(sorted(values), share)
    assert found in values
    assert found is not None
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10)), max_size=20))
def test_covered_time_is_counted_once(spans: list[tuple[int, int]]) -> None:
    moments = {moment for first, length in spans for moment in range(first, first + length)}
    assert covered((first, first + length) for first, length in spans) == len(moments)
