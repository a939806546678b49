"""The embedded broker: librdkafka's in-process cluster in a process of its own, so that other processes reach it.

It needs nothing installed and starts in a moment. It does not isolate transactions, keeps no offsets that are sent in
one, does not compact, and drops a partition's oldest records beyond some 5 MB or 100,000: good for a demo and for
tests of wiring, run `at_least_once`; nothing about exactly-once or recovery can be claimed on it.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from threading import Event

from schemas.errors import Code, LackingError
from streams.brokers.info import BrokerInfo, alive, end, read_info, started_at, write_info

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
# How long the broker may outlive a parent that was killed.
PARENT_CHECK_S = 0.5
INFO_FILE = "embedded.json"


def start_embedded(topics: Mapping[str, int], workdir: Path) -> BrokerInfo:
    """Start a broker with these topics (name -> partitions). It ends with the calling process, or by `stop`.

    Raises LackingError (broker_failed) with the process's last words.
    """
    workdir = workdir.resolve()
    workdir.mkdir(parents=True, exist_ok=True)
    ready, said = workdir / INFO_FILE, workdir / "embedded.log"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "streams.brokers.embedded", "--topics", json.dumps(dict(topics))]
    command += ["--ready-file", str(ready), "--parent", str(os.getpid())]
    with said.open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=_import_root()
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        info = read_info(ready)
        if info is not None:
            return info
        time.sleep(0.02)
    process.kill()
    process.wait(STOP_TIMEOUT_S)
    last = " | ".join(said.read_text(errors="replace").strip().splitlines()[-3:])
    raise LackingError(Code.BROKER_FAILED, f"the embedded broker does not start: {last}", where=str(said))


def status(workdir: Path) -> BrokerInfo | None:
    """The embedded broker of `workdir`, where it still runs."""
    info = read_info(workdir / INFO_FILE)
    return info if info is not None and alive(info) else None


def stop(info: BrokerInfo) -> None:
    """End it; its records are gone."""
    end(info, STOP_TIMEOUT_S)


def _import_root() -> str:
    # `-m` finds this package from its own root, wherever the caller stands.
    return str(Path(__file__).resolve().parents[2])


def _serve(topics: Mapping[str, int], ready: Path, parent: int) -> None:
    from streams.brokers.mock_cluster import open_cluster

    asked = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    cluster = open_cluster(topics)
    pid = os.getpid()
    write_info(
        ready,
        BrokerInfo(
            kind="embedded",
            bootstrap=cluster.bootstrap(),
            version=None,
            pid=pid,
            incarnation=uuid.uuid4().hex,
            started=started_at(pid),
            data_dir=str(ready.parent),
            partitions=cluster.partitions,
            note=cluster.note,
        ),
    )
    while not asked.wait(PARENT_CHECK_S) and os.getppid() == parent:
        pass
    cluster.close()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="streams.brokers.embedded", description="Run an embedded broker.")
    parser.add_argument("--topics", required=True, type=json.loads, help="JSON object: name -> partitions")
    parser.add_argument("--ready-file", required=True, type=Path, help="where to say, as JSON, that it is ready")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="the process with which this one ends")
    arguments = parser.parse_args()
    _serve(arguments.topics, arguments.ready_file, arguments.parent)


if __name__ == "__main__":
    _main()
