"""`patter train`: a causal language model of your choice, tuned on your approved copy, as a bundle."""

import importlib.util
import subprocess
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from patter.cli.options import Json, Seed
from schemas.approved import ApprovedCopy, RejectedRow
from schemas.errors import Code, ConfigError, LackingError

_PACKAGES = ("training", "torch", "transformers", "peft", "optimum")


class Split(StrEnum):
    """How texts are held out."""

    product = "product"
    time = "time"


def train(
    base: Annotated[str, typer.Option("--base", help="A folder of transformers', or a name on the hub.")],
    data: Annotated[Path, typer.Option("--data", help="Approved copy: CSV or JSON lines, .gz allowed.")],
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder; the bundle is OUT/bundle.")],
    catalog: Annotated[
        Path | None, typer.Option("--catalog", help="The products that --data names by product_id.")
    ] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=COLUMN for columns of other names; more than once.")
    ] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Of prices that name none.")] = None,
    full: Annotated[bool, typer.Option("--full/--lora", help="All weights learn, or adapters beside them.")] = False,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="How often each text is seen.")] = 3,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Texts in one step.")] = 16,
    rate: Annotated[float | None, typer.Option("--rate", help="The highest learning rate.")] = None,
    name: Annotated[str, typer.Option("--name", help="The bundle's name.")] = "tuned",
    split: Annotated[
        Split, typer.Option("--split", help="Hold out a tenth of the products, or the newest tenth of the texts.")
    ] = Split.product,
    least_admitted: Annotated[
        float, typer.Option("--least-admitted", min=0, max=1, help="Share of held-out texts that the checks admit.")
    ] = 0.5,
    least_factual: Annotated[
        float,
        typer.Option(
            "--least-factual", min=0, max=1, help="Accuracy on questions about your records; 0 reports it alone."
        ),
    ] = 0.5,
    objective: Annotated[
        Path | None, typer.Option("--objective", help="Terms and weights of several aims: a TOML file.")
    ] = None,
    seed: Seed = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    json: Json = None,
) -> None:
    """Tune, export, compare, quantise, evaluate, bundle. Exit 1 where a gate does not hold."""
    from patter.result import envelope, write_result

    started = datetime.now(UTC)
    missing = [package for package in _PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        raise LackingError(
            Code.DEPENDENCY_MISSING, f"training needs {', '.join(missing)}", where="patter train", hint="make setup-dev"
        )
    if out.is_dir() and any(out.iterdir()) and not resume:
        raise ConfigError(Code.USAGE, "the folder is not empty", where=f"--out {out}", hint="name another, or --resume")
    _prepare(data, catalog, mapping or [], currency, out)
    asked: list[tuple[str, object]] = [
        ("--base", base),
        ("--examples", out / "examples.jsonl"),
        ("--out", out),
        ("--method", "full" if full else "lora"),
        ("--epochs", epochs),
        ("--batch", batch),
        ("--seed", seed),
        ("--name", name),
        ("--split", split.value),
        ("--least-admitted", least_admitted),
        ("--least-factual", least_factual),
        *([("--rate", rate)] if rate is not None else []),
        *([("--objective", objective)] if objective is not None else []),
    ]
    command = [sys.executable, "-m", "training.tune", *(str(word) for pair in asked for word in pair)]
    ended = subprocess.run([*command, *(["--resume"] if resume else [])], check=False).returncode
    if ended == LackingError.exit_code and not (out / "run.json").exists():
        # Nothing has begun: the same command works once the environment has what it lacks.
        for left in ("examples.jsonl", "rejected.jsonl"):
            (out / left).unlink(missing_ok=True)
    path = out / "result.json"
    if ended in (0, 1) and path.is_file():
        found = msgspec.json.decode(path.read_bytes())
        result = envelope("train", "train", seed, started, found.pop("failures"), None)
        write_result(result | found, json)
    raise typer.Exit(ended)


def _prepare(data: Path, catalog: Path | None, mapping: list[str], currency: str | None, out: Path) -> None:
    """Leave examples.jsonl and rejected.jsonl in `out`. A run that is gone on from has to have begun with the same."""
    from patter.files import FieldMap
    from patter.files.approved import read_approved

    found = read_approved(data, catalog, FieldMap.parse(mapping), currency)
    if not found.copies:
        first = f"the first: {_told(found.rejected[0])}" if found.rejected else "one row for each text is expected"
        raise ConfigError(Code.FILE_INVALID, "the file holds no text with its product", where=str(data), hint=first)
    examples, path = _lines(found.copies), out / "examples.jsonl"
    if path.is_file() and path.read_bytes() != examples:
        hint = "give the same file, or name another --out"
        raise ConfigError(Code.USAGE, "the run began with other data", where=f"--data {data}", hint=hint)
    out.mkdir(parents=True, exist_ok=True)
    path.write_bytes(examples)
    (out / "rejected.jsonl").write_bytes(_lines(found.rejected))


def _lines(rows: list[ApprovedCopy] | list[RejectedRow]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _told(row: RejectedRow) -> str:
    return f"{row.file}:{row.line}:{row.field}: {row.reason}"
