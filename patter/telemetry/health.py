"""/metrics, /live and /ready on one port of the loopback interface or wherever the settings say.

live: the process runs its loop. ready: it has its partitions and whole states, so that stopping another worker is safe.
"""

import threading
import time
from collections.abc import Callable, Iterable
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from patter.telemetry.prometheus import PrometheusMetrics
from schemas.errors import Code, LackingError

# A loop that has not come round for this long hangs; the slowest honest step is a generation batch (30 s deadline).
LIVE_WITHIN_S = 90.0

Start = Callable[[str, list[tuple[str, str]]], object]


class Health:
    """What the probes answer; the role's loop calls `beat`."""

    def __init__(self) -> None:
        self._beat = time.monotonic()
        self.ready = False

    def beat(self, *, ready: bool) -> None:
        self._beat, self.ready = time.monotonic(), ready

    def live(self) -> bool:
        return time.monotonic() - self._beat < LIVE_WITHIN_S


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the base class's
        """A probe every few seconds is no news."""


def serve_health(metrics: PrometheusMetrics, health: Health, host: str, port: int) -> WSGIServer:
    """Start the server in a thread; `port` 0 takes a free one (see `server_port`). Raises LackingError (port_taken)."""
    exposition: Callable[..., Iterable[bytes]] = make_wsgi_app(metrics.registry)

    def app(environ: dict[str, object], start: Start) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            return exposition(environ, start)
        if path not in ("/live", "/ready"):
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"paths: /metrics /live /ready\n"]
        good = health.live() if path == "/live" else health.ready
        start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"yes\n" if good else b"no\n"]

    try:
        server = make_server(host, port, app, ThreadingWSGIServer, _Quiet)
    except OSError as error:
        raise LackingError(
            Code.PORT_TAKEN, f"port {port} cannot be opened: {error}", where="metrics.port", hint="set another one"
        ) from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
