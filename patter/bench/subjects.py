"""The two subjects as processes that can be asked how far they are and what they used."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Protocol

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from patter.scrape import RoleAddress, addresses, get
from schemas.errors import Code, PatterError

START_TIMEOUT_S = 120.0


class Progress(Struct, frozen=True):
    """Records handled since the start, and the process's CPU seconds."""

    records: float
    cpu_s: float
    extra: dict[str, float] = {}


class Subject(Protocol):
    """A process under measurement."""

    name: str
    group: str

    def progress(self) -> Progress: ...
    def stop(self) -> None: ...


class RawLoop:
    """The baseline's process."""

    name = "confluent_raw"

    def __init__(self, bootstrap: str, source: str, target: str, group: str, batch_ms: int, batch_records: int) -> None:
        self.group = group
        arguments = [bootstrap, source, target, group, str(batch_ms), str(batch_records)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "patter.bench.raw_loop", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._said()

    def _said(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PatterError(Code.ROLE_DIED, "the raw loop ended", where="patter.bench.raw_loop")
        answer: dict[str, float] = json.loads(line)
        return answer

    def progress(self) -> Progress:
        sink: IO[bytes] | None = self._process.stdin
        assert sink is not None
        sink.write(b"\n")
        sink.flush()
        said = self._said()
        return Progress(said["records"], said["cpu_s"])

    def stop(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()


class Role:
    """A role itself, as `patter run ROLE` starts it."""

    name = "patter"

    def __init__(self, config: Path, data_dir: Path, member: str, group: str, role: str = "serve") -> None:
        self.group = group
        self._member, self._data_dir = member, data_dir
        (data_dir / "run" / f"{member}.json").unlink(missing_ok=True)
        self._log = (data_dir / f"{member}.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "patter", "run", role, "--config", str(config), "--member", member]
            + ["--port", "0", "--parent", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self._address = self._wait_ready()

    def _wait_ready(self) -> RoleAddress:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            for address in addresses(self._data_dir):
                if address.member == self._member and get(address, "/live")[0] == 200:
                    return address
            time.sleep(0.05)
        raise PatterError(
            Code.ROLE_DIED, f"{self._member} did not start", where=str(self._data_dir / f"{self._member}.log")
        )

    def ready(self) -> bool:
        """Whether it has its partitions and its states."""
        return get(self._address, "/ready")[0] == 200

    def progress(self) -> Progress:
        sums: dict[str, float] = {}
        body = get(self._address, "/metrics")[1]
        for family in text_string_to_metric_families(body):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
                if sample.name == "patter_feature_cache_total":
                    name = f"cache_{sample.labels['result']}"
                    sums[name] = sums.get(name, 0.0) + sample.value
        return Progress(sums.get("patter_records_in_total", 0.0), sums.get("patter_cpu_seconds", 0.0), sums)

    def stop(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        self._process.kill()
        self._log.close()
