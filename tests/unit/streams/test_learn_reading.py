"""When a worker knows its partitions whole, how far it is behind, and when it should be started anew."""

from streams.learn.reading import STALL_S, Reading


def test_nothing_is_ready_before_an_assignment() -> None:
    reading = Reading(0.0)
    assert not reading.ready()
    assert reading.stalled(STALL_S - 1) == ""
    assert "assigned" in reading.stalled(STALL_S + 1)
    reading.assign([], 5.0)
    assert reading.ready()
    assert reading.stalled(10 * STALL_S) == ""


def test_a_partition_is_whole_when_what_stood_in_it_was_applied() -> None:
    reading = Reading(0.0)
    reading.assign([0, 1], 0.0)
    reading.handled(0, 4)
    reading.tick({}, {0: 10, 1: 0}, 1.0)
    assert reading.whole() == {1}
    reading.handled(0, 9)
    reading.tick({}, {0: 5_000, 1: 0}, 2.0)
    assert reading.whole() == {0, 1}
    assert reading.ready()


def test_markers_at_the_end_are_passed_by_the_position_alone() -> None:
    reading = Reading(0.0)
    reading.assign([0], 0.0)
    reading.handled(0, 7)
    reading.tick({0: 10}, {0: 10}, 1.0)
    assert not reading.ready(), "records may be under way from the consumer to the agent"
    reading.tick({0: 10}, {0: 10}, 2.0)
    assert reading.ready()
    assert reading.lags() == {0: 0}


def test_lag_is_what_lies_between_the_last_record_and_the_end() -> None:
    reading = Reading(0.0)
    reading.assign([0, 1], 0.0)
    reading.handled(0, 7)
    reading.tick({0: 8}, {0: 30}, 1.0)
    assert reading.lags() == {0: 22}
    reading.handled(0, 29)
    assert reading.lags() == {0: 0}


def test_a_consumer_that_stands_still_before_the_end_is_noticed() -> None:
    reading = Reading(0.0)
    reading.assign([0, 1], 0.0)
    reading.tick({0: 5, 1: 7}, {0: 9, 1: 7}, 1.0)
    assert reading.stalled(STALL_S) == ""
    reading.tick({0: 5, 1: 7}, {0: 9, 1: 7}, STALL_S + 5)
    assert reading.stalled(STALL_S + 5) == "partitions [0] are not read on"
    reading.tick({0: 6, 1: 7}, {0: 9, 1: 7}, STALL_S + 6)
    assert reading.stalled(STALL_S + 6) == ""


def test_a_record_of_another_partition_is_nothing_to_it() -> None:
    reading = Reading(0.0)
    reading.assign([0], 0.0)
    reading.handled(3, 100)
    reading.tick({}, {0: 1}, 1.0)
    assert reading.whole() == frozenset()
