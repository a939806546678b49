"""Actions that are sent once more: their order, their pace, their times."""

import json
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.replay.actions import Action, Due, action_in, action_of, ordered, schedule
from patter.replay.sending import Sent, pace, resend
from patter.replay.times import Times
from patter.settings import Settings
from schemas.decode import decode_event, time_ms
from schemas.errors import Code, ConfigError
from schemas.events import ProductViewed
from streams.kafka.dump_lines import DumpRecord, dump_line

OLD_MS = 1_600_000_000_000
START_MS = 1_780_000_000_000


def event(name: str, at_ms: int = OLD_MS, **more: Any) -> bytes:
    moment = f"2020-09-13T12:26:{40 + (at_ms - OLD_MS) // 1000:02d}.{(at_ms - OLD_MS) % 1000:03d}Z"
    body = {"kind": "product_viewed", "event_id": name, "user_id": "ü", "product_id": "p", "time": moment}
    return json.dumps({**body, **more}).encode()


def action(name: str, at_ms: int) -> Action:
    found = action_in(event(name, at_ms))
    assert found is not None
    return found


def test_a_bare_event_and_a_kept_record_are_the_same_action() -> None:
    value = event("a", OLD_MS + 1500)
    bare = action_in(value)
    assert bare == Action((OLD_MS + 1500) * 1000, -1, "ü".encode(), value)
    record = DumpRecord("shop.events", 2, 5, OLD_MS + 1600, b"k", value, (("h", b"1"),))
    assert (
        action_in(dump_line(record)) == action_of(record) == Action((OLD_MS + 1500) * 1000, OLD_MS + 1600, b"k", value)
    )


@pytest.mark.parametrize(
    "value",
    [b"{", b"\xff", b"[]", b'{"kind":"product_viewed"}', event("a", kind="walked"), event("a", decision_id="00")],
)
def test_what_is_no_action_stays_behind(value: bytes) -> None:
    assert action_in(value) is None
    assert action_of(DumpRecord("t", 0, 0, 0, None, None)) is None


def test_order_is_finer_than_a_millisecond() -> None:
    late, early = (action_in(event(name, time=f"2020-09-13T12:26:40.0007{name}Z")) for name in ("21", "20"))
    assert late is not None
    assert early is not None
    assert ordered([late, early]) == [early, late]


MOMENTS = st.lists(st.integers(OLD_MS, OLD_MS + 19_999), min_size=1, max_size=30)


@given(MOMENTS, st.sampled_from([0.0, 0.5, 1.0, 40.0]), st.sampled_from(Times))
def test_order_is_that_of_event_time_and_of_arrival_where_it_is_one(
    moments: list[int], speed: float, times: Times
) -> None:
    found = list(schedule(ordered(action(str(n), at) for n, at in enumerate(moments)), speed, times, START_MS))
    names = [int(json.loads(each.value)["event_id"]) for each in found]
    assert names == sorted(range(len(moments)), key=lambda n: (moments[n], n))
    assert [each.at_s for each in found] == sorted(each.at_s for each in found)
    distance = (max(moments) - min(moments)) / 1000
    assert found[-1].at_s == pytest.approx(distance / speed if speed else 0.0)


@given(MOMENTS, st.sampled_from([0.0, 0.5, 1.0, 40.0]))
def test_kept_times_are_taken_by_the_decoder_as_they_were(moments: list[int], speed: float) -> None:
    for each in schedule(ordered(action(str(n), at) for n, at in enumerate(moments)), speed, Times.KEEP, START_MS):
        assert isinstance(decode_event(each.value, each.timestamp_ms), ProductViewed)
        assert each.value == event(json.loads(each.value)["event_id"], each.timestamp_ms)


@given(MOMENTS, st.sampled_from([0.0, 0.5, 1.0, 40.0]))
def test_shifted_times_are_those_of_sending(moments: list[int], speed: float) -> None:
    actions = ordered(action(str(n), at) for n, at in enumerate(moments))
    found = list(schedule(actions, speed, Times.SHIFT, START_MS))
    for each, was in zip(found, actions, strict=True):
        again = decode_event(each.value, START_MS + round(each.at_s * 1000))
        assert isinstance(again, ProductViewed)
        assert (again.user_id, again.product_id, each.timestamp_ms) == ("ü", "p", 0)
        if speed:
            assert time_ms(again.time) == START_MS + round(each.at_s * 1000)
        else:
            assert START_MS - time_ms(again.time) == max(moments) - was.time_us // 1000


class Clock:
    """Seconds that pass only where somebody waits, or where sending takes some."""

    def __init__(self, slow: float = 0.0) -> None:
        self.now, self.slow = 100.0, slow
        self.puts: list[tuple[float, str]] = []
        self.longest = 0.0

    def put(self, due: Due) -> None:
        self.puts.append((round(self.now - 100.0, 6), json.loads(due.value)["event_id"]))
        self.now += self.slow

    def wait(self, seconds: float) -> None:
        self.longest = max(self.longest, seconds)
        self.now += seconds


def run(clock: Clock, speed: float, stop: Flag | None = None) -> Sent:
    sent = Sent()
    due = schedule([action("a", OLD_MS), action("b", OLD_MS + 3_000)], speed, Times.KEEP, START_MS)
    pace(due, clock.put, clock.wait, lambda: clock.now, stop or Flag(), sent)
    return sent


@pytest.mark.parametrize(("speed", "at"), [(1.0, 3.0), (6.0, 0.5), (0.5, 6.0), (0.0, 0.0)])
def test_actions_keep_their_distance_over_the_speed(speed: float, at: float) -> None:
    clock = Clock()
    sent = run(clock, speed)
    assert clock.puts == [(0.0, "a"), (pytest.approx(at), "b")]
    assert (sent.sent, sent.stopped, sent.behind_s) == (2, False, pytest.approx(0.0, abs=1e-6))
    assert clock.longest <= 0.1, "ctrl-c is answered at once"


def test_a_sender_that_is_too_slow_says_how_far_behind_it_is() -> None:
    sent = run(Clock(slow=5.0), 1.0)
    assert sent.behind_s == pytest.approx(7.0)


def test_a_stop_ends_it_before_the_next_action() -> None:
    stop, clock = Flag(), Clock()

    def wait(seconds: float) -> None:
        clock.now += seconds
        if clock.now > 101.0:
            stop.set()

    sent = Sent()
    due = schedule([action("a", OLD_MS), action("b", OLD_MS + 3_000)], 1.0, Times.KEEP, START_MS)
    pace(due, clock.put, wait, lambda: clock.now, stop, sent)
    assert (sent.sent, sent.stopped) == (1, True)


def test_nothing_to_send_and_nowhere_to_send_it_are_told(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    path = tmp_path / "e.jsonl"
    path.write_bytes(b'{"a":1}\n')
    for events, to, code in (
        (str(path), "events", Code.FILE_INVALID),
        (str(tmp_path / "none.jsonl"), "events", Code.FILE_MISSING),
        ("events", "patter.events.v1", Code.USAGE),
    ):
        with pytest.raises(ConfigError) as caught:
            resend(settings, events, to, 1.0, Times.SHIFT, Flag())
        assert caught.value.code is code
