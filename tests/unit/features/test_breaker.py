"""The circuit breaker: opens after a run of failures, probes, closes."""

from features.store.breaker import Breaker, StorePaused
from schemas.errors import Code


def opened() -> Breaker:
    breaker = Breaker(3, 1.0)
    for _ in range(3):
        breaker.failed(10.0)
    return breaker


def test_it_stays_closed_until_the_run_is_full() -> None:
    breaker = Breaker(3, 1.0)
    breaker.failed(10.0)
    breaker.failed(10.0)
    assert breaker.state(10.0) == "closed"
    breaker.failed(10.0)
    assert breaker.state(10.0) == "open"


def test_a_success_ends_a_run() -> None:
    breaker = Breaker(3, 1.0)
    breaker.failed(0.0)
    breaker.failed(0.0)
    breaker.succeeded()
    breaker.failed(0.0)
    breaker.failed(0.0)
    assert breaker.state(0.0) == "closed"


def test_open_it_probes_after_the_retry_time_and_again_after_each_failure() -> None:
    breaker = opened()
    assert breaker.state(10.99) == "open"
    assert breaker.state(11.0) == "probe"
    breaker.failed(11.2)
    assert breaker.state(12.1) == "open"
    assert breaker.state(12.2) == "probe"


def test_one_success_closes_it_and_a_new_run_is_needed_to_open_it() -> None:
    breaker = opened()
    breaker.succeeded()
    breaker.failed(11.0)
    assert breaker.state(11.0) == "closed"


def test_the_pause_says_what_is_wrong_and_when_to_come_back() -> None:
    paused = StorePaused(1.0)
    assert paused.retry_s == 1.0
    assert paused.code is Code.STORE_UNREACHABLE
