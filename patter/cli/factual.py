"""`patter evaluate facts`, `consistency` and `reference`: whether a bundle's texts are true of a shop's own products.

Figures and gates are explained in docs/factuality.md.
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from patter.cli.options import Json, Seed

Catalog = Annotated[list[Path], typer.Option("--catalog", help="Your products: CSV or JSON lines.")]
Mapping = Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN for other column names.")]
Bundle = Annotated[Path | None, typer.Option("--bundle", help="A bundle's folder; without it the starter.")]


def facts(
    catalog: Catalog,
    mapping: Mapping = None,
    bundle: Bundle = None,
    questions: Annotated[int, typer.Option("--questions", min=1, help="At most so many, one a product.")] = 300,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """The factuality gate: four-option questions made from your catalogue. Exit 1 where the bundle fails."""
    with TemporaryDirectory() as work:
        asked = ["--catalog", _catalogue(catalog, mapping, Path(work)), "--count", str(questions)]
        _evaluate("facts", bundle, asked, seed, json, Path(work))


def consistency(
    catalog: Catalog,
    mapping: Mapping = None,
    copies: Annotated[
        Path | None,
        typer.Option("--copies", help="Right texts: a `patter write --json`, or lines of product_id and text."),
    ] = None,
    bundle: Bundle = None,
    triples: Annotated[int, typer.Option("--triples", min=1, help="At most so many, one a product.")] = 300,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Whether the consistency score puts right texts above such with one error, and those above such with three.

    Without --copies the bundle writes the right texts. Exit 1 where under 95 % of the triples stand in order.
    """
    with TemporaryDirectory() as work:
        asked = ["--catalog", _catalogue(catalog, mapping, Path(work)), "--count", str(triples)]
        if copies is not None:
            asked += ["--copies", str(copies)]
        _evaluate("consistency", bundle, asked, seed, json, Path(work))


def reference(
    data: Annotated[Path, typer.Option("--data", help="Approved copy with its products, as `patter train` reads it.")],
    bundle: Annotated[Path, typer.Option("--bundle", help="A bundle whose prompt is in words (`patter train`).")],
    catalog: Annotated[Path | None, typer.Option("--catalog", help="The copy's products.")] = None,
    mapping: Mapping = None,
    prompts: Annotated[int, typer.Option("--prompts", min=1, help="At most so many held-out texts.")] = 300,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Texts for held-out products with an approved text as an example and without. Exit 1 where facts leak from it.

    Give the seed that the bundle was trained with: what is held out depends on it.
    """
    import msgspec

    from patter.cli.evaluate import _need
    from patter.files import FieldMap
    from patter.files.approved import read_approved

    _need()
    found = read_approved(data, catalog, FieldMap.parse(mapping or []))
    with TemporaryDirectory() as work:
        examples = Path(work) / "examples.jsonl"
        examples.write_bytes(b"".join(msgspec.json.encode(copy) + b"\n" for copy in found.copies))
        asked = ["--examples", str(examples), "--count", str(prompts)]
        _evaluate("reference", bundle, asked, seed, json, Path(work))


def _catalogue(files: list[Path], mapping: list[str] | None, work: Path) -> str:
    from patter.cli.evaluate import _need, _products

    _need()
    return str(_products(files, mapping or [], work / "products.jsonl"))


def _evaluate(verb: str, bundle: Path | None, asked: list[str], seed: int, json: Path | None, work: Path) -> None:
    """Run one evaluation in a process of its own, print and write its result, and end as it did."""
    import msgspec

    from inference.bundle import bundle_digest, load_bundle, starter_dir
    from patter.result import envelope, write_result

    started, folder, target = datetime.now(UTC), bundle or starter_dir(), work / "evaluation.json"
    name = load_bundle(folder).name
    command = [sys.executable, "-m", "training.evaluation.factual", verb, str(folder), *asked, "--seed", str(seed)]
    code = subprocess.run([*command, "--json", str(target)], stdout=subprocess.DEVNULL, check=False).returncode
    if not target.exists():
        if code in (2, 3):
            raise typer.Exit(code)
        raise RuntimeError(f"the evaluation ended with {code} and without a result")
    evaluation: dict[str, Any] = msgspec.json.decode(target.read_bytes())
    failures: list[str] = evaluation["failures"]
    result = envelope(f"evaluate.{verb}", f"evaluate {verb}", seed, started, failures, None)
    about = {"name": name, "sha256": bundle_digest(folder), "folder": str(folder)}
    write_result(result | {"bundle": about, "evaluation": evaluation}, json)
    if str(json) != "-":
        typer.echo(msgspec.json.format(msgspec.json.encode(evaluation), indent=2).decode())
    if failures:
        raise typer.Exit(1)
