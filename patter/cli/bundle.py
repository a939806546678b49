"""`patter bundle verify|show`: whether a model bundle is whole, and what it is."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patter.cli.options import Json

if TYPE_CHECKING:
    from inference.text.conversion import Conversion

app = typer.Typer(no_args_is_help=True)
Folder = Annotated[Path | None, typer.Argument(help="A bundle's folder; the starter bundle without it.")]


@app.command()
def verify(folder: Folder = None, json: Json = None) -> None:
    """Hash every file and check that this version of Patter can run the bundle. Exit 3 where it cannot."""
    from inference.bundle import load_bundle, starter_dir
    from patter.result import envelope, write_result
    from schemas.errors import PatterError

    started, place = datetime.now(UTC), folder or starter_dir()
    try:
        bundle = load_bundle(place)
    except PatterError as error:
        result = envelope("bundle.verify", "bundle verify", None, started, [error.line()], None)
        write_result(result | {"folder": str(place), "name": None, "sha256": None, "code": error.code.value}, json)
        raise
    result = envelope("bundle.verify", "bundle verify", None, started, [], None)
    write_result(result | {"folder": str(place), "name": bundle.name, "sha256": bundle.sha256, "code": None}, json)
    if json is None:
        typer.echo(f"{bundle.name} {bundle.sha256} is whole")


@app.command()
def show(folder: Folder = None, json: Json = None) -> None:
    """What a bundle is: its digest, model, sampler, the words its prompts know, and what it was measured at."""
    import msgspec

    from inference.bundle import load_bundle, starter_dir
    from patter.result import envelope, write_result

    started = datetime.now(UTC)
    bundle = load_bundle(folder or starter_dir())
    about = {
        "folder": str(bundle.folder),
        "name": bundle.name,
        "sha256": bundle.sha256,
        "bytes": {path.name: path.stat().st_size for path in sorted(bundle.folder.iterdir())},
        "generation": msgspec.to_builtins(bundle.generation),
        "conversion": _conversion(bundle.conversion),
        "metrics": msgspec.json.decode((bundle.folder / "metrics.json").read_bytes()),
    }
    write_result(envelope("bundle.show", "bundle show", None, started, [], None) | about, json)
    if json is None:
        typer.echo(msgspec.json.format(msgspec.json.encode(about)).decode())


def _conversion(model: "Conversion | None") -> dict[str, Any] | None:
    """What a bundle's model of predicted conversion is, without its thousands of weights."""
    if model is None:
        return None
    return {
        "version": model.version,
        "attributes": {name: part.weight for name, part in model.attributes.items()},
        "segments": sorted(model.segments),
        "ngrams": len(model.ngrams),
        "source": model.source,
        "figures": model.figures,
    }
