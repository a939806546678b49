"""What a person sees of a run: the live view while it goes on, and a summary at its end."""

from collections import deque
from types import TracebackType

from rich.console import Console, RenderableType
from rich.live import Live as RichLive

from patter.demo.view_metrics import Metrics, by_name, parse_metrics
from patter.demo.view_panel import line, panel
from patter.demo.view_snapshot import RoleLoad, RunState, Scrape, Snapshot, snapshot_from
from patter.demo.view_summary import summary

__all__ = [
    "LiveView",
    "Metrics",
    "RoleLoad",
    "RunState",
    "Scrape",
    "Snapshot",
    "by_name",
    "parse_metrics",
    "snapshot_from",
    "summary",
]

# Without a terminal, a line this often: a log of a minute's run stays readable.
PLAIN_EVERY_S = 5.0
# As many moments as the sparkline has characters.
_REMEMBERED = 30


class LiveView:
    """Shows snapshots: redrawn in place on a terminal, a plain line every 5 s elsewhere.

    Give it a console on stderr where stdout is kept for JSON. It draws only when it is told to and starts no thread.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._handled: deque[float] = deque(maxlen=_REMEMBERED)
        self._live: RichLive | None = None
        self._told_s: float | None = None

    def __enter__(self) -> "LiveView":
        if self._console.is_terminal:
            self._live = RichLive(console=self._console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(self, snapshot: Snapshot, rates: RenderableType | None = None, told: str = "") -> None:
        """Show this moment. `rates` stands below the roles; `told` is the same in a few words."""
        self._handled.append(snapshot.handled_per_s)
        if self._live is not None:
            self._live.update(panel(snapshot, tuple(self._handled), rates), refresh=True)
            return
        elapsed_s = snapshot.run.elapsed_s
        if self._told_s is None or elapsed_s - self._told_s >= PLAIN_EVERY_S:
            self._told_s = elapsed_s
            said = f"{line(snapshot)}, {told}" if told else line(snapshot)
            self._console.print(said, highlight=False, markup=False, soft_wrap=True)
