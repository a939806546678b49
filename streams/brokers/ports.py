"""TCP ports of this machine: which are free, who answers."""

import socket

from schemas.errors import Code, LackingError

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        # As the JVM does: ports of connections that just closed do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port(avoid: int = 0) -> int:
    """A port that nobody listens on; another process may take it before the caller does."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
        if port != avoid:
            return port


def require_free(port: int) -> None:
    """Raises LackingError (port_taken)."""
    if not is_free(port):
        raise LackingError(
            Code.PORT_TAKEN,
            f"port {port} is in use",
            where=f"{HOST}:{port}",
            hint="stop what listens there, or --port N",
        )


def answers(port: int, timeout_s: float = 0.2) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((HOST, port), timeout_s).close()
    except OSError:
        return False
    return True
