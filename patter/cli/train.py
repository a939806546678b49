"""`patter train`: a causal language model of your choice, tuned on your approved copy, as a bundle."""

import importlib.util
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from patter.cli.options import Json, Seed
from schemas.approved import RejectedRow
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
    tasks: Annotated[
        float | None, typer.Option("--tasks", help="Mix typed tasks in: their share of all rows, as in 0.5.")
    ] = None,
    intents: Annotated[
        Path | None, typer.Option("--intents", help="With --tasks: texts and their intents, for the task intent.")
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
    given = _tasks(tasks, intents, catalog, mapping or [], currency)
    _prepare(data, catalog, [text for text in mapping or [] if not text.startswith("intents.")], currency, out, given)
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
        *([("--tasks", tasks), ("--products", out / "products.jsonl")] if tasks is not None else []),
        *([("--intents", out / "intents.jsonl")] if intents is not None else []),
    ]
    command = [sys.executable, "-m", "training.tune", *(str(word) for pair in asked for word in pair)]
    ended = subprocess.run([*command, *(["--resume"] if resume else [])], check=False).returncode
    if ended == LackingError.exit_code and not (out / "run.json").exists():
        # Nothing has begun: the same command works once the environment has what it lacks.
        for left in ("examples.jsonl", "rejected.jsonl", *given):
            (out / left).unlink(missing_ok=True)
    path = out / "result.json"
    if ended in (0, 1) and path.is_file():
        found = msgspec.json.decode(path.read_bytes())
        result = envelope("train", "train", seed, started, found.pop("failures"), None)
        write_result(result | found, json)
    raise typer.Exit(ended)


def _tasks(
    share: float | None, intents: Path | None, catalog: Path | None, mapping: list[str], currency: str | None
) -> dict[str, bytes]:
    """The files that typed tasks are made from: name -> content, a record a line; none without --tasks."""
    from patter.files import FieldMap
    from patter.files.labelled import good_products, own_mapping, read_labelled

    if share is None:
        if intents is not None:
            what = "--intents goes with --tasks"
            raise ConfigError(Code.USAGE, what, where="patter train", hint="say a share, as in --tasks 0.5")
        return {}
    if not 0 < share < 1:
        raise ConfigError(Code.USAGE, f"{share:g} is no share", where="--tasks", hint="between 0 and 1, as in 0.5")
    if catalog is None:
        what = "typed tasks are made from the catalogue"
        raise ConfigError(Code.USAGE, what, where="--tasks", hint="give it with --catalog")
    columns, others = own_mapping(mapping)
    found = {"products.jsonl": _lines(good_products(catalog, FieldMap.parse(others), currency))}
    if intents is not None:
        texts, left_out = read_labelled(intents, columns)
        found["intents.jsonl"] = _lines(texts)
        if left_out:
            typer.echo(f"{left_out} rows of {intents} hold no text with an intent", err=True)
    return found


def _prepare(
    data: Path,
    catalog: Path | None,
    mapping: list[str],
    currency: str | None,
    out: Path,
    given: Mapping[str, bytes],
) -> None:
    """Leave examples.jsonl, rejected.jsonl and what else is `given` in `out`. A run that is gone on from has to have
    begun with the same.
    """
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
    for name, content in given.items():
        if (out / name).is_file() and (out / name).read_bytes() != content:
            hint = "give the same files, or name another --out"
            raise ConfigError(Code.USAGE, f"the run began with another {name}", where="--tasks", hint=hint)
    out.mkdir(parents=True, exist_ok=True)
    path.write_bytes(examples)
    for name, content in given.items():
        (out / name).write_bytes(content)
    (out / "rejected.jsonl").write_bytes(_lines(found.rejected))


def _lines(rows: Sequence[Struct]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _told(row: RejectedRow) -> str:
    return f"{row.file}:{row.line}:{row.field}: {row.reason}"
