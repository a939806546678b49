"""The subjects of `patter bench generate` as processes: started, asked, stopped."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.errors import Code, PatterError
from schemas.subject import Answer, Ask, Ready

# One thread each: a variable for every library that would take more.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class WriterProcess:
    """A subject that has said it is ready, or why it cannot run here (`lacking`).

    `start_s` is from its start until it was ready, libraries and model loaded.
    """

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        began = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **_ONE_THREAD, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
            )
        ready = msgspec.json.decode(self._said(), type=Ready)
        self.start_s, self.rss_mib, self.lacking = time.monotonic() - began, ready.rss_mib, ready.lacking

    def answer(self, ask: Ask) -> Answer:
        """Ask, and wait. Raises PatterError (role_died) where the process ends instead."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(ask) + b"\n")
            self._process.stdin.flush()
        return msgspec.json.decode(self._said(), type=Answer)

    def stop(self) -> None:
        """End its input, which ends it."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _said(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            lines = self._log.read_text("utf-8", errors="replace").strip().splitlines()
            what = f"the subject {self.name} ended: {lines[-1] if lines else 'without a word'}"
            raise PatterError(Code.ROLE_DIED, what, where="patter.bench.writers")
        return line


class Answers(Struct, frozen=True):
    """A subject's answers by batch, one a repeat, and its very first one."""

    subject: WriterProcess
    first: Answer
    by_batch: dict[int, list[Answer]]


def patter_writer(bundle: Path, provider: str, folder: Path) -> WriterProcess:
    """Our own engine on a bundle."""
    name = "patter" if provider == "cpu" else f"patter@{provider}"
    return WriterProcess(name, ["patter.bench.writing", str(bundle), provider], folder)


def rival_writer(name: str, prepared: Path, device: str, folder: Path) -> WriterProcess:
    """A rival on the same model, in the form that it takes."""
    shown = name if device == "cpu" else f"{name}@{device}"
    return WriterProcess(shown, ["training.rivals", name, str(prepared), "--device", device], folder)
