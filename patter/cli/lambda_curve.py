"""`patter evaluate lambda`: what the dial between creativity and conversion moves, on a bundle's own texts."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from patter.cli.options import Json, Seed


def curve(
    catalog: Annotated[list[Path], typer.Option("--catalog", help="Your products: CSV or JSON lines.")],
    mapping: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN for other column names.")] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Of prices that name none.")] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="A bundle's folder; without it the starter.")] = None,
    conversion: Annotated[
        Path | None, typer.Option("--conversion", help="A conversion.json; without it the bundle's own.")
    ] = None,
    keys: Annotated[int, typer.Option("--keys", min=1, help="Products, at most.")] = 200,
    variants: Annotated[int, typer.Option("--variants", min=2, help="Texts to choose from, for each.")] = 8,
    active: Annotated[int, typer.Option("--active", min=1, help="Of which so many are shown.")] = 3,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write a picture too, SVG or PNG by its name.")] = None,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """The lambda curve per category: the diversity of the shown texts against predicted conversion. No clicks."""
    import msgspec

    from inference.bundle import bundle_digest, load_bundle, starter_dir
    from patter.cli.evaluate import _need, _products
    from patter.result import envelope, write_result

    started, folder = datetime.now(UTC), bundle or starter_dir()
    _need()
    name = load_bundle(folder).name
    with TemporaryDirectory() as work:
        target = Path(work) / "curve.json"
        products = _products(catalog, mapping or [], Path(work) / "products.jsonl", currency)
        asked: list[object] = [folder, "--catalog", products]
        asked += ["--keys", keys, "--variants", variants, "--active", active, "--seed", seed, "--json", target]
        asked += ["--conversion", conversion] if conversion is not None else []
        asked += ["--plot", plot] if plot is not None else []
        command = [sys.executable, "-m", "training.evaluation.lambda_curve", *(str(word) for word in asked)]
        code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
        if code:
            raise typer.Exit(code)
        found: dict[str, Any] = msgspec.json.decode(target.read_bytes())
    about = {"name": name, "sha256": bundle_digest(folder), "folder": str(folder)}
    result = envelope("evaluate.lambda", "evaluate lambda", seed, started, [], None)
    write_result(result | {"bundle": about, "evaluation": found}, json)
    if str(json) != "-":
        for category, points in found["curve"].items():
            said = ", ".join(
                f"{point['lambda']:g}: {point['diversity']['value']:.3f}/{point['p_conv']['value']:.3f}"
                for point in points[::5]
            )
            typer.echo(f"{category} ({points[0]['keys']} keys) lambda: diversity/p_conv  {said}")
