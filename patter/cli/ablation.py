"""`patter evaluate copy --ablation`: what each part of an objective is worth (docs/ablation.md)."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import typer
from msgspec import Struct

from patter.result import envelope, write_result
from schemas.errors import Code, ConfigError

EXAMPLES = "examples.jsonl"


class Asked(Struct, frozen=True, kw_only=True):
    """What an ablation is asked for; `numbers` are options of `python -m training.ablation`."""

    out: Path
    base: str | None
    data: Path | None
    objective: Path | None
    catalog: Sequence[Path]
    mapping: Sequence[str]
    method: str
    numbers: Mapping[str, int]
    rate: float | None


def ablate(asked: Asked, seed: int, json: Path | None) -> None:
    """Run, and write the result. Raises ConfigError where something is not named."""
    from patter.cli.evaluate import _need

    started = datetime.now(UTC)
    for name in ("base", "data", "objective"):
        if getattr(asked, name) is None:
            raise ConfigError(Code.USAGE, "an ablation needs it", where=f"--{name}", hint="docs/ablation.md")
    _need()
    examples = asked.out.with_name(f"{asked.out.name}.{EXAMPLES}")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    examples.write_bytes(_examples(asked))
    words: list[object] = ["--base", asked.base, "--objective", asked.objective, "--out", asked.out]
    words += ["--examples", examples, "--method", asked.method]
    for name, number in asked.numbers.items():
        words += [f"--{name}", number]
    if asked.rate is not None:
        words += ["--rate", asked.rate]
    command = [sys.executable, "-m", "training.ablation", *(str(word) for word in words)]
    # Progress, table and errors are on its stderr; stdout is kept for the result.
    code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
    if code:
        raise typer.Exit(code)
    found: dict[str, Any] = msgspec.json.decode((asked.out / "ablation.json").read_bytes())
    result = envelope("evaluate.copy.ablation", "evaluate copy --ablation", seed, started, [], None)
    write_result(result | {"ablation": found}, json)


def _examples(asked: Asked) -> bytes:
    from patter.files import FieldMap
    from patter.files.approved import read_approved

    if len(asked.catalog) > 1:
        raise ConfigError(Code.USAGE, "an ablation reads one catalogue", where="--catalog", hint="name one")
    assert asked.data is not None
    found = read_approved(asked.data, next(iter(asked.catalog), None), FieldMap.parse(list(asked.mapping)))
    return b"".join(msgspec.json.encode(copy) + b"\n" for copy in found.copies)
