"""Work for a thread that comes and goes with a partition."""

from collections.abc import Callable
from threading import Event as Flag
from threading import Thread


class Duty:
    """Runs `work(stop)` in a thread while it is held; never twice at once. Changes return at once.

    `failure` is what ended the work otherwise than by being told to stop.
    """

    def __init__(self, name: str, work: Callable[[Flag], None]) -> None:
        self._name, self._work = name, work
        self._thread: Thread | None = None
        self._stop = Flag()
        self.failure: Exception | None = None

    def hold(self, *, held: bool) -> None:
        """Begin, or tell it to stop; nothing where that is so already."""
        running = self._thread is not None and not self._stop.is_set()
        if held and not running:
            self._stop = Flag()
            self._thread = Thread(target=self._run, args=(self._thread, self._stop), name=self._name, daemon=True)
            self._thread.start()
        elif not held:
            self._stop.set()

    def close(self, timeout_s: float) -> None:
        """Stop and wait."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, before: Thread | None, stop: Flag) -> None:
        if before is not None:
            before.join()
        try:
            self._work(stop)
        except Exception as error:  # noqa: BLE001 - for the worker's own thread, which ends with it
            self.failure = error
