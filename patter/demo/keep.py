"""`--keep DIR`: every record of the run, one JSON line each, a file per topic."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from streams.kafka.dump import DumpRecord
from streams.kafka.dump_lines import dump_line

NAMES = ("events", "decisions", "partials", "metrics", "copy", "policy", "dlq")
"""Topics that the result names as artifacts; the others are kept beside them."""


class Keeper:
    """Writes records to DIR/LOGICAL.jsonl."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def open(self, logicals: Iterable[str]) -> None:
        """Begin the files anew: a folder holds one run."""
        if self._folder is not None:
            for logical in logicals:
                self._files[logical] = (self._folder / f"{logical}.jsonl").open("wb")

    def put(self, logical: str, record: DumpRecord) -> None:
        file = self._files.get(logical)
        if file is not None:
            file.write(dump_line(record) + b"\n")

    def close(self) -> dict[str, str] | None:
        """Artifact -> path, or None where nothing was kept."""
        for file in self._files.values():
            file.close()
        if self._folder is None:
            return None
        return {name: str(self._folder / f"{name}.jsonl") for name in (*NAMES, "copy_requests", "copy_review")}
