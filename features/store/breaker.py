"""When to leave a failing store alone, and when to try it again. Time is an argument."""

from typing import Literal

from schemas.errors import Code, LackingError

BreakerState = Literal["closed", "open", "probe"]


class StorePaused(LackingError):
    """With `outage = pause`: the store does not answer, so nothing should be decided now.

    Raised by `read` instead of rows of state `error`. The caller keeps its records, waits `retry_s` seconds and reads
    again with the same keys; the read after the store's recovery succeeds.
    """

    def __init__(self, retry_s: float) -> None:
        super().__init__(
            Code.STORE_UNREACHABLE,
            "the feature store does not answer and the outage policy is to pause",
            where="features.outage",
            hint="start the store, or set fail_open to decide without features",
        )
        self.retry_s = retry_s


class Breaker:
    """Opens after `failures` in a row; open, it lets one probe through every `retry_s` seconds."""

    def __init__(self, failures: int, retry_s: float) -> None:
        self._limit, self._retry_s = failures, retry_s
        self._run = 0
        self._next_probe_s = 0.0

    def state(self, now_s: float) -> BreakerState:
        """closed: read. open: do not. probe: read once, and say how it went."""
        if self._run < self._limit:
            return "closed"
        return "probe" if now_s >= self._next_probe_s else "open"

    def failed(self, now_s: float) -> None:
        """A read failed or took too long."""
        self._run = min(self._run + 1, self._limit)
        self._next_probe_s = now_s + self._retry_s

    def succeeded(self) -> None:
        """A read came back in time."""
        self._run = 0
