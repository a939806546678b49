"""What is known about a broker that Patter started, and whether it still runs."""

from pathlib import Path
from typing import Literal

import msgspec
import psutil
from msgspec import Struct

BrokerKind = Literal["embedded", "local", "remote"]


class BrokerInfo(Struct, frozen=True, kw_only=True):
    """One broker. `incarnation` changes whenever its topics begin anew: offsets mean nothing across incarnations.

    `started` is the process's own start time (epoch seconds): a pid alone may by now belong to another process.
    `partitions` is what the embedded broker's topics really have; `note` says what this broker cannot do.
    """

    kind: BrokerKind
    bootstrap: str
    version: str | None = None
    pid: int | None = None
    incarnation: str = ""
    started: float = 0.0
    data_dir: str = ""
    partitions: dict[str, int] = {}
    note: str = ""


def started_at(pid: int) -> float:
    """When the process started, epoch seconds; 0.0 where there is none (a zombie counts as none)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return 0.0
        return process.create_time()
    except psutil.Error:
        return 0.0


def alive(info: BrokerInfo) -> bool:
    """Whether the very process that `info` names runs, and not merely one with its number."""
    # The start time is derived from the boot time, which the kernel may correct by a fraction of a second.
    return info.pid is not None and abs(started_at(info.pid) - info.started) < 2.0


def end(info: BrokerInfo, patience_s: float) -> None:
    """Ask the process to end (SIGTERM), wait, then kill it. Does nothing where it no longer runs."""
    if info.pid is None or not alive(info):
        return
    try:
        process = psutil.Process(info.pid)
        process.terminate()
        try:
            process.wait(patience_s)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(patience_s)
    except psutil.NoSuchProcess:
        return


def write_info(path: Path, info: BrokerInfo) -> None:
    """Write `info` so that a reader sees all of it or nothing."""
    beside = path.with_suffix(".tmp")
    beside.write_bytes(msgspec.json.encode(info))
    beside.replace(path)


def read_info(path: Path) -> BrokerInfo | None:
    """What `write_info` wrote; None where there is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=BrokerInfo)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
