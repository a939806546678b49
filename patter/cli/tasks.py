"""`patter evaluate tasks`: every typed task of a bundle, on what its tuning did not see."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from patter.cli.options import Json, Seed


def evaluate(
    bundle: Annotated[Path, typer.Option("--bundle", help="A bundle that `patter train --tasks` made.")],
    catalog: Annotated[
        Path, typer.Option("--catalog", help="Products, as a rule those of the tuning: CSV or JSON lines.")
    ],
    intents: Annotated[
        Path | None, typer.Option("--intents", help="Texts and their intents, for the task intent.")
    ] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=COLUMN, or intents.FIELD=COLUMN, for other column names.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="At most so many examples of a task and split.")] = 100,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Score each task on seen and unseen categories and unseen instructions, beside what needs no model.

    Exit 1 where a task is not above that on seen categories.
    """
    import msgspec

    from inference.bundle import load_bundle
    from inference.tasks.taught import taught_of
    from patter.cli.evaluate import _need
    from patter.files import FieldMap
    from patter.files.labelled import good_products, own_mapping, read_labelled
    from patter.result import envelope, write_result

    started = datetime.now(UTC)
    loaded = load_bundle(bundle)
    taught_of(loaded.taught, str(bundle))
    _need()
    columns, others = own_mapping(mapping or [])
    with TemporaryDirectory() as work:
        target, products, texts = (Path(work) / name for name in ("tasks.json", "products.jsonl", "intents.jsonl"))
        products.write_bytes(_lines(good_products(catalog, FieldMap.parse(others), None)))
        asked = ["--catalog", str(products), "--seed", str(seed), "--count", str(count), "--json", str(target)]
        if intents is not None:
            texts.write_bytes(_lines(read_labelled(intents, columns)[0]))
            asked += ["--intents", str(texts)]
        command = [sys.executable, "-m", "training.tasks", str(bundle), *asked]
        # Progress, table and errors are on its stderr; stdout is kept for the result.
        code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
        if not target.exists():
            if code in (2, 3):
                raise typer.Exit(code)
            raise RuntimeError(f"the evaluation ended with {code} and without a result")
        evaluation: dict[str, Any] = msgspec.json.decode(target.read_bytes())
    failures: list[str] = evaluation["failures"]
    result = envelope("evaluate.tasks", "evaluate tasks", seed, started, failures, None)
    about = {"name": loaded.name, "sha256": loaded.sha256, "folder": str(bundle)}
    write_result(result | {"bundle": about, "evaluation": evaluation}, json)
    if failures:
        raise typer.Exit(1)


def _lines(rows: list[Any]) -> bytes:
    import msgspec

    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
