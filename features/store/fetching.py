"""Reads of the store in a thread of their own, so that a store that freezes holds nobody up longer than a limit."""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol

from msgspec import Struct

from features.store.paths import Found, ReadPath, Wanted


class Fetched(Struct, frozen=True):
    """What became of a request: rows in the order of its views, or the error; and how long the store took."""

    wanted: Wanted
    found: list[Found] | None
    error: Exception | None
    seconds: float
    asked_s: float


class Fetcher(Protocol):
    """One read at a time. A request that was not waited out still counts: its answer is taken later."""

    @property
    def busy(self) -> bool:
        """Whether a request is still under way or its answer has not been taken."""
        ...

    def ask(self, wanted: Wanted, asked_s: float) -> None:
        """Hand over a request; only while not busy."""
        ...

    def answer(self, limit_s: float) -> Fetched | None:
        """The answer, waiting at most so long; None where there is none yet."""
        ...

    def close(self) -> None: ...


class ThreadFetcher:
    """A `Fetcher` over a path, with a daemon thread that a frozen store cannot keep alive."""

    def __init__(self, path: ReadPath, timer: Callable[[], float] = time.perf_counter) -> None:
        self._path, self._timer = path, timer
        self._requests: SimpleQueue[tuple[Wanted, float] | None] = SimpleQueue()
        self._answers: SimpleQueue[Fetched] = SimpleQueue()
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="features", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        return self._busy

    def ask(self, wanted: Wanted, asked_s: float) -> None:
        assert not self._busy, "one request at a time"
        self._busy = True
        self._requests.put((wanted, asked_s))

    def answer(self, limit_s: float) -> Fetched | None:
        if not self._busy:
            return None
        try:
            fetched = self._answers.get(timeout=limit_s) if limit_s > 0 else self._answers.get_nowait()
        except Empty:
            return None
        self._busy = False
        return fetched

    def close(self) -> None:
        self._requests.put(None)
        # A thread that hangs in the store is left behind: it is a daemon and holds nothing of ours.
        self._thread.join(timeout=0.5)

    def _run(self) -> None:
        while (request := self._requests.get()) is not None:
            wanted, asked_s = request
            began = self._timer()
            found, failure = None, None
            try:
                found = self._path.read(wanted)
            except Exception as error:  # noqa: BLE001 - any error of any store's client is an outage to the caller
                failure = error
            self._answers.put(Fetched(wanted, found, failure, self._timer() - began, asked_s))
        self._path.close()
