"""`patter train pconv` and `patter evaluate pairs`: which of two texts does better, learned from past tests."""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from patter.cli.options import Json, Seed

if TYPE_CHECKING:
    from schemas.arms import Arm

Group = Annotated[str, typer.Option("--group", help="The column that joins tests which no split may part.")]
Mapping = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="FIELD=COLUMN; fields: test, group, text, image, impressions, clicks, excluded, segment."
    ),
]
Folds = Annotated[int, typer.Option("--folds", min=2, help="Parts by group; each is measured by a fit on the others.")]

_NEEDED = ("training", "sklearn", "scipy")


def pairs(
    train: Annotated[Path, typer.Option("--train", help="Past tests: CSV or JSON lines, an arm a row, .gz allowed.")],
    group: Group,
    test: Annotated[
        Path | None, typer.Option("--test", help="Tests to measure on; without it --train is split by group.")
    ] = None,
    mapping: Mapping = None,
    folds: Folds = 5,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """How often a model of texts tells which of two did better, on groups that it has not seen."""
    from patter.result import envelope, write_result

    started = datetime.now(UTC)
    with TemporaryDirectory() as work:
        place = Path(work)
        asked: list[object] = ["--train", _arms(train, group, mapping, place / "train.jsonl")]
        if test is not None:
            asked += ["--test", _arms(test, group, mapping, place / "test.jsonl")]
        found = trained("pairs", [*asked, "--folds", folds, "--seed", seed], place / "result.json")
    write_result(envelope("evaluate.pairs", "evaluate pairs", seed, started, [], None) | found, json)
    if json is None:
        typer.echo(_told(found))


def pconv(
    data: Annotated[Path, typer.Option("--data", help="Past tests: CSV or JSON lines, an arm a row, .gz allowed.")],
    group: Group,
    out: Annotated[Path, typer.Option("--out", help="A folder, made where it is not there; conversion.json goes in.")],
    mapping: Mapping = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="A bundle that takes the model in, which gives it another digest.")
    ] = None,
    folds: Folds = 5,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Fit P_conv on past tests, and measure it on groups that a fit has not seen."""
    from inference.bundle import bundle_digest, load_bundle, take_conversion
    from patter.result import envelope, write_result

    started = datetime.now(UTC)
    if bundle is not None:
        load_bundle(bundle)
    path = out / "conversion.json"
    with TemporaryDirectory() as work:
        place = Path(work)
        arms = _arms(data, group, mapping, place / "train.jsonl")
        out.mkdir(parents=True, exist_ok=True)
        asked = ["--train", arms, "--out", path, "--source", data.name, "--folds", folds, "--seed", seed]
        found = trained("fit", asked, place / "result.json")
    found["conversion"] = str(path)
    found["bundle"] = None
    if bundle is not None:
        take_conversion(bundle, path)
        found["bundle"] = {"folder": str(bundle), "name": load_bundle(bundle).name, "sha256": bundle_digest(bundle)}
    write_result(envelope("train.pconv", "train pconv", seed, started, [], None) | found, json)
    if json is None:
        typer.echo(f"{_told(found)}\nversion {found['version']}: {path}")


class Train(TyperCommand):
    """`patter train` as it is, and `patter train pconv` beside it: a first word that is a verb's is that verb."""

    @property
    def commands(self) -> dict[str, Any]:
        """The verbs below, by name."""
        app = typer.Typer(add_completion=False)
        app.command(name="pconv")(pconv)
        return {"pconv": typer.main.get_command(app)}

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the verb below where one is named, else that of `patter train`."""
        if args and (verb := self.commands.get(args[0])) is not None:
            return verb.make_context(f"{info_name} {args[0]}", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)


def _arms(path: Path, group: str, mapping: Sequence[str] | None, target: Path) -> Path:
    """The arms of a user's file as the training reads them: records of `schemas.arms`, one a line."""
    from patter.files.arms import arm_columns, read_arms

    _need()
    return arms_as_lines(read_arms(path, arm_columns(mapping or (), group)), target)


def arms_as_lines(found: "Sequence[Arm]", target: Path) -> Path:
    """Write arms as the training reads them."""
    import msgspec

    target.write_bytes(b"".join(msgspec.json.encode(arm) + b"\n" for arm in found))
    return target


def _need() -> None:
    from schemas.errors import Code, LackingError

    missing = [package for package in _NEEDED if importlib.util.find_spec(package) is None]
    if missing:
        what = f"{', '.join(missing)} is not installed, and fitting needs it"
        raise LackingError(Code.DEPENDENCY_MISSING, what, hint="make setup-dev, then .venv-dev/bin/patter")


def trained(verb: str, asked: Sequence[object], target: Path) -> dict[str, Any]:
    """Run the fit in a process of its own: this one never loads training code."""
    import msgspec

    _need()
    command = [sys.executable, "-m", "training.conversion", verb, *map(str, asked), "--json", str(target)]
    # Progress and errors are on its stderr; stdout is kept for the result.
    code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
    if code == 0 and target.exists():
        found: dict[str, Any] = msgspec.json.decode(target.read_bytes())
        return found
    if code in (2, 3):
        raise typer.Exit(code)
    raise RuntimeError(f"the fit ended with {code} and without a result")


def _told(found: dict[str, Any]) -> str:
    """The figures as a table, with 95 % intervals."""
    rows = {"model": found, **found["baselines"], **{f"model - {name}": row for name, row in found["over"].items()}}
    lines = [f"{found['pairs']} pairs, {found['decisive_pairs']} decisive, {found['groups']} groups; {found['split']}"]
    for name, row in rows.items():
        cells = (_cell(row["accuracy"]), _cell(row["decisive_accuracy"]))
        lines.append(f"{name:24}{cells[0]:>26}{cells[1]:>26}")
    lines.append(f"ece {found['ece']:.4f}, brier {found['brier']:.4f}")
    return "\n".join(lines)


def _cell(figure: dict[str, float | None]) -> str:
    value, low, high = (figure[key] for key in ("value", "low", "high"))
    if value is None:
        return "-"
    return f"{value:.1%}" + ("" if low is None or high is None else f" [{low:.1%}, {high:.1%}]")
