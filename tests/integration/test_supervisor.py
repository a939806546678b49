"""The supervisor on real processes: what is killed comes back under its pid file, what is wrong does not."""

import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from patter import supervisor
from patter.supervisor import RoleSpec, Supervisor

# Stands for the Python that runs `-m patter ROLE ...`: it begins within milliseconds and does what the role says.
STUB = """\
#!{python} -S
import signal, sys, time
role = sys.argv[3]
print(" ".join(sys.argv[3:]), flush=True)
if role == "wrong":
    sys.exit(2)
if role == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("deaf", flush=True)
time.sleep(600)
"""
PATIENCE_S = 30.0

pytestmark = pytest.mark.integration


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time")
        time.sleep(0.02)


Start = Callable[..., Supervisor]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    stub = tmp_path / "stub"
    stub.write_text(STUB.format(python=sys.executable))
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(supervisor.sys, "executable", str(stub))
    running: list[Supervisor] = []

    def started(*roles: str, restart: bool = True) -> Supervisor:
        subject = Supervisor([RoleSpec(role, (role,)) for role in roles], tmp_path, restart=restart)
        running.append(subject)
        subject.start()
        return subject

    yield started
    for subject in running:
        subject.stop()


def pid_of(folder: Path, role: str) -> int:
    return int((folder / "pids" / f"{role}.pid").read_text())


def test_kill_9_is_followed_by_a_new_process_under_the_same_pid_file(tmp_path: Path, start: Start) -> None:
    subject = start("serve", "generate")
    first, other = pid_of(tmp_path, "serve"), pid_of(tmp_path, "generate")
    log = tmp_path / "logs" / "serve.log"
    wait_for(lambda: log.read_text().endswith("\n"))
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: pid_of(tmp_path, "serve") != first)
    assert psutil.pid_exists(pid_of(tmp_path, "serve"))
    assert not psutil.pid_exists(first)
    assert pid_of(tmp_path, "generate") == other
    assert subject.usage()["serve"].restarts == 1
    assert subject.usage()["serve"].pid == pid_of(tmp_path, "serve")
    assert subject.failure is None
    wait_for(lambda: log.read_text().count("\n") == 2)
    ours = f"serve --parent {os.getpid()}"
    assert log.read_text().splitlines() == [ours, f"{ours} --resumed"]


def test_exit_code_2_is_final(tmp_path: Path, start: Start) -> None:
    subject = start("wrong", "serve")
    wait_for(lambda: subject.failure is not None)
    assert subject.failure == "wrong ended with exit code 2"
    assert subject.usage()["wrong"].restarts == 0
    assert psutil.pid_exists(pid_of(tmp_path, "serve"))


def test_without_restart_a_kill_is_final(tmp_path: Path, start: Start) -> None:
    subject = start("serve", restart=False)
    os.kill(pid_of(tmp_path, "serve"), signal.SIGKILL)
    wait_for(lambda: subject.failure is not None)
    assert subject.failure == "serve ended with exit code -9"
    assert subject.usage()["serve"].restarts == 0


def test_stop_ends_all_and_removes_their_pid_files(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT_S", 0.5)
    subject = start("serve", "generate", "stubborn")
    pids = [pid_of(tmp_path, role) for role in ("serve", "generate", "stubborn")]
    wait_for(lambda: "deaf" in (tmp_path / "logs" / "stubborn.log").read_text())
    subject.stop()
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert list((tmp_path / "pids").iterdir()) == []
    assert subject.failure is None
