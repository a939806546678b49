"""Every `--json` result: what it starts with, and how it is written."""

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import orjson
import psutil

from patter import __version__

LIBRARIES = ("confluent-kafka", "faust-streaming", "feast", "onnxruntime-gpu", "onnxruntime", "msgspec", "numpy")


def machine() -> dict[str, object]:
    """The machine and the libraries that a figure was measured with."""
    return {
        "cpu": _cpu(),
        "cores": psutil.cpu_count(logical=True),
        "ram_mib": psutil.virtual_memory().total // 2**20,
        "python": platform.python_version(),
        "libraries": {name: found for name in LIBRARIES if (found := _version(name)) is not None},
    }


def envelope(
    name: str, command: str, seed: int | None, started: datetime, failures: list[str], broker: dict[str, object] | None
) -> dict[str, object]:
    """The members that every result has. `name` is that of the schema, such as `demo`."""
    return {
        "schema": f"patter.{name}/1",
        "patter_version": __version__,
        "command": command,
        "seed": seed,
        "started_at": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "wall_s": round((datetime.now(UTC) - started).total_seconds(), 3),
        "ok": not failures,
        "failures": failures,
        "machine": machine(),
        "broker": broker,
    }


def write_result(result: dict[str, object], path: Path | None) -> None:
    """Write a result to a file, or to stdout for `-`; without a path nothing is written."""
    if path is None:
        return
    text = orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)
    if str(path) == "-":
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
