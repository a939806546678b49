"""`patter evaluate copy`: what a bundle's texts are like, measured on what its training has not seen."""

import importlib.util
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from patter.cli import bandit, conversion, factual
from patter.cli.options import Json, Seed

app = typer.Typer(no_args_is_help=True)
app.command()(factual.facts)
app.command()(factual.consistency)
app.command()(factual.reference)
app.command()(conversion.pairs)
app.command()(bandit.bandit)

# What the evaluation needs beyond the serving packages.
_NEEDED = ("training", "sacrebleu")


@app.callback()
def group() -> None:
    """Measure copy and models."""


@app.command()
def copy(
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="A bundle's folder; without it the starter, which is left as it is."),
    ] = None,
    catalog: Annotated[
        list[Path] | None, typer.Option("--catalog", help="Your products, as a further slice: CSV or JSON lines.")
    ] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN for other column names.")] = None,
    seed: Seed = 1,
    prompts: Annotated[int, typer.Option("--prompts", min=1, help="Prompts of each slice.")] = 300,
    check_only: Annotated[
        bool, typer.Option("--check-only", help="Leave metrics.json and MODEL_CARD.md of the bundle as they are.")
    ] = False,
    json: Json = None,
) -> None:
    """Faithfulness, coverage, calls to action, variety and copying, with intervals. Exit 1 where the gate fails.

    The figures go into the bundle's metrics.json and MODEL_CARD.md, which gives it another digest.
    """
    from inference.bundle import bundle_digest, load_bundle, starter_dir
    from patter.result import envelope, write_result

    started = datetime.now(UTC)
    _need()
    folder, written = bundle or starter_dir(), bundle is not None and not check_only
    name = load_bundle(folder).name
    with TemporaryDirectory() as work:
        asked = ["--seed", str(seed), "--prompts", str(prompts)]
        if catalog:
            asked += ["--catalog", str(_products(catalog, mapping or [], Path(work) / "products.jsonl"))]
        if not written:
            asked.append("--check-only")
        evaluation = _evaluated(folder, asked, Path(work) / "evaluation.json")
    failures: list[str] = evaluation["failures"]
    about = {"name": name, "sha256": bundle_digest(folder), "folder": str(folder), "written": written}
    result = envelope("evaluate.copy", "evaluate copy", seed, started, failures, None)
    write_result(result | {"bundle": about, "evaluation": evaluation}, json)
    if json is None:
        typer.echo(f"{name}: {'written to ' + str(folder / 'metrics.json') if written else 'the bundle is as it was'}")
    if failures:
        raise typer.Exit(1)


def _need() -> None:
    from schemas.errors import Code, LackingError

    for package in _NEEDED:
        if importlib.util.find_spec(package) is None:
            what = f"{package} is not installed, and the evaluation needs it"
            raise LackingError(Code.DEPENDENCY_MISSING, what, hint="make setup-dev, then .venv-dev/bin/patter")


def _products(files: list[Path], mapping: list[str], target: Path) -> Path:
    """The products of a shop's files as the evaluation reads them: records of patter.catalog.v1, one a line."""
    import msgspec

    from patter.files.columns import FieldMap
    from patter.files.products import read_catalogue

    fields = FieldMap.parse(mapping)
    lines = [msgspec.json.encode(product) for file in files for product in read_catalogue(file, fields)]
    target.write_bytes(b"\n".join(lines) + b"\n")
    return target


def _evaluated(folder: Path, asked: list[str], target: Path) -> dict[str, Any]:
    """Run the evaluation in a process of its own: this one never loads training code."""
    import msgspec

    command = [sys.executable, "-m", "training.evaluation", str(folder), *asked, "--json", str(target)]
    # Progress, table and errors are on its stderr; stdout is kept for the result.
    code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
    if target.exists():
        found: dict[str, Any] = msgspec.json.decode(target.read_bytes())
        return found
    if code in (2, 3):
        raise typer.Exit(code)
    raise RuntimeError(f"the evaluation ended with {code} and without a result")
