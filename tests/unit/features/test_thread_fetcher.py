"""Reads in a thread: an answer, an error, and a read that does not come back in time. Gates, not sleeps."""

import threading
from collections.abc import Iterator

import pytest

from features.store.fetching import ThreadFetcher
from features.store.paths import Found, Wanted

PATIENT_S = 30.0


class GatedPath:
    """Answers once its gate is open."""

    name = "gated"

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.closed = threading.Event()
        self.error: Exception | None = None

    def read(self, wanted: Wanted) -> list[Found]:
        self.gate.wait(PATIENT_S)
        if self.error is not None:
            raise self.error
        return [{"u1": (1, {"orders": 1})} for _ in wanted]

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def path() -> GatedPath:
    return GatedPath()


@pytest.fixture
def fetcher(path: GatedPath) -> Iterator[ThreadFetcher]:
    fetcher = ThreadFetcher(path)
    yield fetcher
    path.gate.set()
    fetcher.close()


def test_an_answer_carries_what_was_asked(path: GatedPath, fetcher: ThreadFetcher) -> None:
    path.gate.set()
    fetcher.ask([], 7.0)
    answer = fetcher.answer(PATIENT_S)
    assert answer is not None
    assert (answer.wanted, answer.found, answer.error, answer.asked_s) == ([], [], None, 7.0)
    assert answer.seconds >= 0
    assert not fetcher.busy


def test_an_error_is_an_answer(path: GatedPath, fetcher: ThreadFetcher) -> None:
    path.error = ConnectionError("refused")
    path.gate.set()
    fetcher.ask([], 0.0)
    answer = fetcher.answer(PATIENT_S)
    assert answer is not None
    assert answer.error is path.error
    assert answer.found is None


def test_a_read_that_hangs_is_given_up_and_its_answer_taken_later(path: GatedPath, fetcher: ThreadFetcher) -> None:
    fetcher.ask([], 0.0)
    assert fetcher.answer(0.001) is None
    assert fetcher.busy
    assert fetcher.answer(0) is None
    path.gate.set()
    assert fetcher.answer(PATIENT_S) is not None
    assert not fetcher.busy


def test_a_second_request_while_busy_is_a_mistake(path: GatedPath, fetcher: ThreadFetcher) -> None:
    fetcher.ask([], 0.0)
    with pytest.raises(AssertionError):
        fetcher.ask([], 0.0)


def test_closing_gives_the_path_back_in_its_own_thread(path: GatedPath) -> None:
    fetcher = ThreadFetcher(path)
    fetcher.close()
    assert path.closed.wait(PATIENT_S)
