"""`patter evaluate copy`: what a bundle's texts are like, measured on what its training has not seen."""

import importlib.util
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from patter.cli import bandit, conversion, factual, intervals, lambda_curve, srm, tasks
from patter.cli.options import Json, Seed

app = typer.Typer(no_args_is_help=True)
app.command()(factual.facts)
app.command()(factual.consistency)
app.command()(factual.reference)
app.command()(conversion.pairs)
app.command("lambda")(lambda_curve.curve)
app.command()(srm.srm)
app.command()(intervals.intervals)
app.command(name="tasks")(tasks.evaluate)
app.command()(bandit.bandit)

_PANEL = "With --ablation"
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
    prompts: Annotated[
        int | None, typer.Option("--prompts", min=1, help="Prompts of each slice, 300; with --ablation of all, 60.")
    ] = None,
    check_only: Annotated[
        bool, typer.Option("--check-only", help="Leave metrics.json and MODEL_CARD.md of the bundle as they are.")
    ] = False,
    ablation: Annotated[
        Path | None,
        typer.Option("--ablation", help="Instead: tune a base without each part of an objective, into DIR."),
    ] = None,
    base: Annotated[str | None, typer.Option("--base", rich_help_panel=_PANEL, help="As in patter train.")] = None,
    data: Annotated[Path | None, typer.Option("--data", rich_help_panel=_PANEL, help="Approved copy.")] = None,
    objective: Annotated[
        Path | None, typer.Option("--objective", rich_help_panel=_PANEL, help="The objective with every part on.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, rich_help_panel=_PANEL, help="Runs of each arm.")] = 3,
    samples: Annotated[
        int, typer.Option("--samples", min=2, rich_help_panel=_PANEL, help="Texts drawn for a prompt.")
    ] = 4,
    epochs: Annotated[int, typer.Option("--epochs", min=1, rich_help_panel=_PANEL)] = 1,
    batch: Annotated[int, typer.Option("--batch", min=1, rich_help_panel=_PANEL)] = 16,
    rate: Annotated[float | None, typer.Option("--rate", rich_help_panel=_PANEL)] = None,
    full: Annotated[bool, typer.Option("--full/--lora", rich_help_panel=_PANEL)] = False,
    json: Json = None,
) -> None:
    """Faithfulness, coverage, calls to action, variety and copying, with intervals. Exit 1 where the gate fails.

    The figures go into the bundle's metrics.json and MODEL_CARD.md, which gives it another digest.
    """
    if ablation is not None:
        from patter.cli.ablation import Asked, ablate

        asked_for = Asked(
            out=ablation,
            base=base,
            data=data,
            objective=objective,
            catalog=catalog or [],
            mapping=mapping or [],
            method="full" if full else "lora",
            numbers={"seeds": seeds, "prompts": prompts or 60, "samples": samples, "epochs": epochs, "batch": batch},
            rate=rate,
        )
        ablate(asked_for, seed, json)
        return
    from inference.bundle import bundle_digest, load_bundle, starter_dir
    from patter.result import envelope, write_result

    started = datetime.now(UTC)
    _need()
    folder, written = bundle or starter_dir(), bundle is not None and not check_only
    name = load_bundle(folder).name
    with TemporaryDirectory() as work:
        asked = ["--seed", str(seed), "--prompts", str(prompts or 300)]
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


def _products(files: list[Path], mapping: list[str], target: Path, currency: str | None = None) -> Path:
    """The products of a shop's files as the evaluation reads them: records of patter.catalog.v1, one a line."""
    import msgspec

    from patter.files.columns import FieldMap
    from patter.files.products import read_catalogue

    fields = FieldMap.parse(mapping)
    lines = [msgspec.json.encode(product) for file in files for product in read_catalogue(file, fields, currency)]
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
