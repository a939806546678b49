"""Keeps roles running: starts them, notes their pids, starts again what dies, stops them in order.

A role that ends with exit code 1 (a check or the brake) or 2 (settings) would end so again and is not restarted; any
other end, kill -9 among them, is followed by a new process within a second.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import structlog
from msgspec import Struct

log = structlog.get_logger("patter.supervisor")

TICK_S = 0.2
# A clean stop drains a batch and closes the consumer; a generation batch may take its deadline.
STOP_TIMEOUT_S = 40.0
FINAL_CODES = (1, 2)
# A role that dies this often in a minute will not be helped by another start.
MAX_RESTARTS_A_MINUTE = 10


class RoleSpec(Struct, frozen=True):
    """A role to run: its name in pid files, and the arguments after `patter`."""

    name: str
    arguments: tuple[str, ...]


class Usage(Struct):
    """What a role's processes used, over all of its restarts. `cpu_s` is a sum, `rss_mib` the greatest seen."""

    pid: int | None = None
    restarts: int = 0
    cpu_s: float = 0.0
    rss_mib: float = 0.0


class _Child:
    def __init__(self, spec: RoleSpec) -> None:
        self.spec = spec
        self.process: subprocess.Popen[bytes] | None = None
        self.usage = Usage()
        self.cpu_before = 0.0
        self.cpu_now = 0.0
        self.deaths: list[float] = []
        self.given_up = False

    def sample(self) -> None:
        if self.process is None:
            return
        with contextlib.suppress(psutil.Error):
            seen = psutil.Process(self.process.pid)
            times = seen.cpu_times()
            self.cpu_now = times.user + times.system
            self.usage.rss_mib = max(self.usage.rss_mib, seen.memory_info().rss / 2**20)
        self.usage.cpu_s = self.cpu_before + self.cpu_now


class Supervisor:
    """Runs roles of one data folder. With `restart` off the first death is final, and `failure` says whose."""

    def __init__(self, specs: Sequence[RoleSpec], data_dir: Path, *, restart: bool) -> None:
        self._children = [_Child(spec) for spec in specs]
        self._pids, self._logs = data_dir / "pids", data_dir / "logs"
        self._restart = restart
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self.failure: str | None = None

    def start(self) -> None:
        """Start every role and begin to watch."""
        self._pids.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        for child in self._children:
            self._spawn(child)
        self._thread.start()

    def usage(self) -> dict[str, Usage]:
        """Role -> what it used so far."""
        return {child.spec.name: child.usage for child in self._children}

    def stop(self) -> None:
        """SIGTERM to all, wait for each, SIGKILL to what does not end; pid files are removed."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5.0)
        for child in self._children:
            child.sample()
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for child in self._children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("role did not stop", role=child.spec.name)
                child.process.kill()
                child.process.wait(5.0)
            (self._pids / f"{child.spec.name}.pid").unlink(missing_ok=True)

    def log_tail(self, name: str, lines: int = 3) -> str:
        """The last lines of a role's log."""
        with contextlib.suppress(OSError):
            return "\n".join((self._logs / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _spawn(self, child: _Child) -> None:
        child.cpu_before, child.cpu_now = child.usage.cpu_s, 0.0
        name = child.spec.name
        again = ("--resumed",) if child.usage.restarts else ()
        with (self._logs / f"{name}.log").open("ab") as sink:
            child.process = subprocess.Popen(
                [sys.executable, "-m", "patter", *child.spec.arguments, "--parent", str(os.getpid()), *again],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        child.usage.pid = child.process.pid
        draft = self._pids / f".{name}.pid"
        draft.write_text(str(child.process.pid))
        draft.replace(self._pids / f"{name}.pid")

    def _watch(self) -> None:
        while not self._stopping.wait(TICK_S):
            try:
                self._look()
            except OSError as error:
                # Without a watch nothing would be restarted any more: better to end than to seem well.
                self.failure = f"supervisor cannot start a process: {error}"
                return

    def _look(self) -> None:
        for child in self._children:
            if child.process is None or child.given_up:
                continue
            code = child.process.poll()
            if code is None:
                child.sample()
            else:
                self._died(child, code)

    def _died(self, child: _Child, code: int) -> None:
        now = time.monotonic()
        child.deaths = [moment for moment in child.deaths if now - moment < 60] + [now]
        log.warning("role died", name=child.spec.name, exit_code=code)
        if not self._restart or code in FINAL_CODES or len(child.deaths) > MAX_RESTARTS_A_MINUTE:
            child.given_up = True
            self.failure = self.failure or f"{child.spec.name} ended with exit code {code}"
            return
        child.usage.restarts += 1
        self._spawn(child)
