"""A real Apache Kafka on this machine, without Docker: one node, started as a process that outlives its starter.

What belongs to it lies in its data folder: `topics/` (formatted once, kept over restarts), `logs/`, `server.properties`
(written anew at each start) and `broker.json`, by which `status` and `stop` find it from any process.
"""

import base64
import subprocess
import time
import uuid
from pathlib import Path
from typing import Literal

from schemas.errors import Code, ConfigError, LackingError
from streams.brokers import jars, ports
from streams.brokers.info import BrokerInfo, alive, end, read_info, started_at, write_info
from streams.brokers.properties import server_properties

DEFAULT_PORT = 29092
# 2-4 s on an idle machine; a loaded one has been seen to need ten times that.
START_TIMEOUT_S = 90.0
# A controlled shutdown flushes the logs, within a second or so. One that is killed recovers at its next start.
STOP_TIMEOUT_S = 30.0
FORMAT_TIMEOUT_S = 60.0
LOG4J = jars.CHECKOUT / "deploy" / "kafka" / "log4j2.xml"

Jit = Literal["quick", "full"]


def start(
    data_dir: Path,
    port: int = DEFAULT_PORT,
    lib_dir: Path | None = None,
    *,
    java: str | None = None,
    heap_mib: int = 512,
    jit: Jit = "quick",
    timeout_s: float = START_TIMEOUT_S,
) -> BrokerInfo:
    """Start a broker on `data_dir` and wait until it answers and takes transactions. `port` 0 picks a free one.

    One that already runs there is answered as it is. `jit="quick"` compiles little: ready sooner and evenly fast;
    "full" is for benchmarks that run long. Raises LackingError (java_missing, jars_missing, port_taken,
    broker_failed), ConfigError where the folder's broker runs on another port.
    """
    running = status(data_dir)
    if running is not None:
        if port and running.bootstrap != f"{ports.HOST}:{port}":
            raise ConfigError(
                Code.USAGE,
                f"a broker already runs on {running.bootstrap}",
                where=str(data_dir),
                hint="patter broker stop",
            )
        return running
    command = [jars.find_java(java)]
    lib_dir = lib_dir or jars.DEFAULT_LIB
    version = jars.kafka_version(lib_dir)
    if port:
        ports.require_free(port)
    port = port or ports.free_port()
    data_dir = data_dir.resolve()
    logs = data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    properties = data_dir / "server.properties"
    properties.write_text(server_properties(str(data_dir / "topics"), port, _controller_port(port)))
    classpath = ["-cp", f"{lib_dir.resolve()}/*"]
    _format_once(data_dir, [*command, *classpath], properties)

    command += [f"-Xms{heap_mib // 2}m", f"-Xmx{heap_mib}m", "-Djava.awt.headless=true", f"-Dpatter.kafka.logs={logs}"]
    if jit == "quick":
        command.append("-XX:TieredStopAtLevel=1")
    if LOG4J.is_file():
        command.append(f"-Dlog4j2.configurationFile={LOG4J}")
    command += [*classpath, "kafka.Kafka", str(properties)]
    with (logs / "console.log").open("wb") as console:
        # A session of its own: Ctrl-C in the starter's terminal is not meant for the broker.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, cwd=data_dir, start_new_session=True
        )
    info = BrokerInfo(
        kind="local",
        bootstrap=f"{ports.HOST}:{port}",
        version=version,
        pid=process.pid,
        incarnation=_cluster_id(data_dir),
        started=started_at(process.pid),
        data_dir=str(data_dir),
    )
    write_info(data_dir / "broker.json", info)
    try:
        _wait_until_ready(process, info, port, timeout_s)
    except BaseException:
        stop(data_dir)
        raise
    return info


def status(data_dir: Path) -> BrokerInfo | None:
    """The broker that runs on `data_dir`; None where none does, also where a stale pid file says otherwise."""
    info = read_info(data_dir / "broker.json")
    return info if info is not None and alive(info) else None


def stop(data_dir: Path) -> BrokerInfo | None:
    """Stop the broker of `data_dir` and answer what was stopped; None where none ran. The data stays."""
    info = status(data_dir)
    if info is not None:
        end(info, STOP_TIMEOUT_S)
    (data_dir / "broker.json").unlink(missing_ok=True)
    return info


def _controller_port(port: int) -> int:
    # The neighbour where it is free: ports picked by the system come from the range that outgoing connections use.
    return port + 1 if port < 65535 and ports.is_free(port + 1) else ports.free_port(avoid=port)


def _format_once(data_dir: Path, java: list[str], properties: Path) -> None:
    if (data_dir / "topics" / "meta.properties").is_file():
        return
    # Kafka writes a cluster's id as base64 without padding and refuses one that begins like an option.
    cluster = "-"
    while cluster.startswith("-"):
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    tool = [*java, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
    done = subprocess.run(
        tool, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise _failed("the broker's data folder cannot be formatted", data_dir, done.stdout + done.stderr)


def _cluster_id(data_dir: Path) -> str:
    for line in (data_dir / "topics" / "meta.properties").read_text().splitlines():
        if line.startswith("cluster.id="):
            return line.partition("=")[2]
    return ""


def _wait_until_ready(process: "subprocess.Popen[bytes]", info: BrokerInfo, port: int, timeout_s: float) -> None:
    from streams.brokers.readiness import takes_transactions

    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _failed(f"the broker ended with code {process.returncode}", Path(info.data_dir))
        if ports.answers(port) and takes_transactions(info.bootstrap, deadline - time.monotonic()):
            return
        time.sleep(0.05)
    raise _failed(f"the broker was not ready within {timeout_s:.0f} s", Path(info.data_dir))


def _failed(what: str, data_dir: Path, said: str = "") -> LackingError:
    for name in ("console.log", "server.log"):
        path = data_dir / "logs" / name
        if path.is_file():
            said += path.read_text(errors="replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = [line for line in lines if "ERROR" in line or "FATAL" in line or "Exception" in line or "Error:" in line]
    hint = "Kafka needs Java 17 or newer" if "UnsupportedClassVersionError" in said else ""
    last = " | ".join((told or lines)[-3:])
    return LackingError(Code.BROKER_FAILED, f"{what}: {last}", where=str(data_dir / "logs"), hint=hint)
