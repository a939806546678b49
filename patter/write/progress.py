"""A bar on stderr while many products are written, where somebody watches."""

from collections.abc import Callable
from types import TracebackType

from rich import progress as bars
from rich.console import Console

# For fewer products a bar is gone before it is read.
_LEAST = 5


class Progress:
    """Counts products. The bar is taken away while something else is printed."""

    def __init__(self, products: int, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._bar: bars.Progress | None = None
        if products >= _LEAST and console.is_terminal:
            self._bar = bars.Progress(
                bars.TextColumn("writing"),
                bars.BarColumn(),
                bars.MofNCompleteColumn(),
                bars.TextColumn("products,"),
                bars.TimeRemainingColumn(),
                console=console,
                transient=True,
                # Stdout may be a file while stderr is a terminal.
                redirect_stdout=False,
            )
            self._task = self._bar.add_task("", total=products)

    def __enter__(self) -> "Progress":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, show: Callable[[], None] | None = None) -> None:
        """One product more is done; `show` prints it."""
        if self._bar is None:
            if show is not None:
                show()
            return
        self._bar.advance(self._task)
        if show is not None:
            self._bar.stop()
            show()
            self._bar.start()
