"""A role in processes of its own, on topics of a test's own."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.store import FeatureOptions
from features.store.apply import apply as apply_features
from patter.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0


def until(what: Callable[[], bool], why: Callable[[], object] = lambda: "it did not happen in time") -> None:
    """Wait for something. Fails the test where it does not come."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > deadline:
            pytest.fail(str(why()))
        time.sleep(0.25)


def settings_on(local_broker: str, topics: dict[str, str], folder: Path) -> Settings:
    """Settings for these topics, {logical: name}, and a folder."""
    return Settings(
        tenant=f"t{topics['partials'][:8]}",
        data_dir=str(folder / "data"),
        kafka={"bootstrap": local_broker},
        topics={logical: {"name": name} for logical, name in topics.items()},
    )


def write_config(settings: Settings, path: Path, *more: str) -> Path:
    """The settings as a file; `more` lines come before its first table."""
    lines = [f'tenant = "{settings.tenant}"', f'data_dir = "{settings.data_dir}"', *more]
    lines += ["[kafka]", f'bootstrap = "{settings.kafka.bootstrap}"']
    for logical, part in settings.topics.items():
        lines += [f"[topics.{logical}]", f'name = "{part.name}"']
    path.write_text("\n".join(lines))
    return path


class Workers:
    """The role's processes, by member."""

    def __init__(self, role: str, folder: Path, config: Path) -> None:
        self.role, self.folder, self.config = role, folder, config
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, member: str) -> None:
        command = [sys.executable, "-m", "patter", "run", self.role, "--member", member, "--port", "0"]
        with (self.folder / f"{member}.log").open("ab") as log:
            self.running[member] = subprocess.Popen(
                [*command, "--config", str(self.config)],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def ready(self, member: str) -> bool:
        assert self.running[member].poll() is None, self.said(member)
        try:
            told = json.loads((self.folder / "data" / "run" / f"{member}.json").read_text())
            if told["pid"] != self.running[member].pid:
                return False
            with urllib.request.urlopen(f"http://127.0.0.1:{told['port']}/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def metric(self, member: str, line: str) -> float | None:
        told = json.loads((self.folder / "data" / "run" / f"{member}.json").read_text())
        with urllib.request.urlopen(f"http://127.0.0.1:{told['port']}/metrics", timeout=5) as answer:
            for each in answer.read().decode().splitlines():
                if each.startswith(line + " "):
                    return float(each.rpartition(" ")[2])
        return None

    def kill(self, member: str) -> None:
        self.running[member].kill()
        self.running.pop(member).wait(20)

    def stop(self, member: str) -> int:
        self.running[member].send_signal(signal.SIGTERM)
        return self.running.pop(member).wait(40)

    def said(self, member: str) -> str:
        return (self.folder / f"{member}.log").read_text()[-4000:]

    def begin(self) -> None:
        """Its first member, until it is ready."""
        self.start(self.first)
        self.await_first()

    def await_first(self) -> None:
        until(lambda: self.ready(self.first), lambda: self.said(self.first))

    @property
    def first(self) -> str:
        return f"{self.role}-0"


def begin(roles: dict[str, Workers]) -> None:
    """The first member of each, side by side, until all are ready."""
    for workers in roles.values():
        workers.start(workers.first)
    for workers in roles.values():
        workers.await_first()


@contextmanager
def several(roles: Sequence[str], settings: Settings, folder: Path, config: Path) -> Iterator[dict[str, Workers]]:
    """Roles with a feature store of their own. Whoever runs at the end is killed."""
    apply_features(FeatureOptions(data_dir=settings.data_dir))
    made = {role: Workers(role, folder, config) for role in roles}
    yield made
    for workers in made.values():
        for member in list(workers.running):
            workers.kill(member)
