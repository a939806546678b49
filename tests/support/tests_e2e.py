"""Runs `patter demo` as a user does, in a folder of its own, and reads what it kept with code of its own."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kept:
    """A record of a `--keep` file."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.value or b"")


def kept(path: Path) -> Iterator[Kept]:
    """Every record of a kept file, without Patter's own reader."""
    for line in path.read_text().splitlines():
        row = json.loads(line)
        value = base64.b64decode(row["value_base64"]) if "value_base64" in row else row["value"]
        yield Kept(
            row["partition"],
            row["offset"],
            row["timestamp_ms"],
            row["key"].encode() if isinstance(row.get("key"), str) else None,
            value.encode() if isinstance(value, str) else value,
            row["headers"],
        )


@dataclass(frozen=True)
class Run:
    """A finished demo."""

    code: int
    result: dict[str, Any]
    stderr: str
    keep: Path

    def records(self, name: str) -> list[Kept]:
        return list(kept(self.keep / f"{name}.jsonl"))


Demo = Callable[..., Run]


def start_demo(folder: Path, *arguments: str, name: str = "run") -> "subprocess.Popen[str]":
    """`patter demo` as a process; its JSON goes to stdout."""
    command = [sys.executable, "-m", "patter", "demo", "--data", str(folder / "data"), "--keep", str(folder / name)]
    return subprocess.Popen(
        [*command, "--json", "-", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def finish_demo(process: "subprocess.Popen[str]", folder: Path, name: str = "run") -> Run:
    stdout, stderr = process.communicate(timeout=240)
    result = json.loads(stdout) if stdout.strip() else {}
    return Run(process.returncode, result, stderr, folder / name)
