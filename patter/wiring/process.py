"""What every role's process has: logs, metrics, health, signals, and a file that says where it listens."""

import atexit
import json
import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType

import structlog

from patter.settings import Settings
from patter.telemetry.health import Health, serve_health
from patter.telemetry.logging import set_up
from patter.telemetry.prometheus import PrometheusMetrics
from patter.telemetry.targets import announce, withdraw

log = structlog.get_logger("patter.process")


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class RoleProcess:
    """One role in one process. `stop` is set by SIGTERM and SIGINT; the loop then drains and leaves."""

    def __init__(self, role: str, member: str, settings: Settings, port: int | None = None) -> None:
        set_up(role)
        self.role, self.member = role, member
        self.stop = threading.Event()
        self.metrics = PrometheusMetrics(role)
        self.health = Health()
        server = serve_health(
            self.metrics, self.health, settings.metrics.host, settings.metrics.port if port is None else port
        )
        self.port = server.server_port
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._asked)
        self._announce(Path(settings.data_dir) / "run")
        place = announce(Path(settings.data_dir), member, settings.metrics.host, self.port)
        # Whoever was asked to leave takes its target along; a role that died is to be seen as down.
        atexit.register(lambda: withdraw(place) if self.stop.is_set() else None)
        log.info("started", member=member, port=self.port, pid=os.getpid())

    def beat(self, ready: bool) -> None:  # noqa: FBT001 - the loop's callback has one argument
        """The loop came round."""
        self.health.beat(ready=ready)
        self.metrics.set("patter_ready", float(ready), role=self.role)

    def _announce(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"{self.member}.json"
        draft = place.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"role": self.role, "member": self.member, "pid": os.getpid(), "port": self.port}))
        draft.replace(place)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.stop.set()
