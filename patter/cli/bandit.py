"""`patter evaluate bandit`: what Thompson sampling would have made of past tests, begun cold and begun by P_conv."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patter.cli.conversion import Folds, Mapping, arms_as_lines, trained
from patter.cli.options import Json, Seed

if TYPE_CHECKING:
    from inference.simulate.past_tests import Start
    from schemas.arms import Arm

FOLDWISE = "folds"


def bandit(
    arms: Annotated[Path, typer.Option("--arms", help="Past tests: CSV or JSON lines, an arm a row, .gz allowed.")],
    warm: Annotated[
        str | None,
        typer.Option(
            "--warm", help=f"A conversion.json, or a folder with one; {FOLDWISE}: fit on the other folds of --arms."
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="The column that joins tests which no split may part; else each test.")
    ] = None,
    mapping: Mapping = None,
    batches: Annotated[int, typer.Option("--batches", min=1, help="Equal parts of each test's impressions.")] = 100,
    repeats: Annotated[int, typer.Option("--repeats", min=2, help="How often each test is run.")] = 200,
    draws: Annotated[int, typer.Option("--draws", min=1, help="Posterior draws a batch.")] = 4,
    epsilon: Annotated[float, typer.Option("--epsilon", min=0, max=1, help="Share that is spread evenly.")] = 0.0,
    threads: Annotated[int, typer.Option("--threads", min=0, help="0: one for each processor.")] = 0,
    folds: Folds = 5,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Clicks over an even split on past tests: Thompson sampling cold, warm by P_conv, and with the best arm known."""
    from inference.decide.warm import Prior
    from inference.simulate.bandit import Rules
    from inference.simulate.past_tests import PLAIN, Start, compared, known_tests
    from patter.files.arms import arm_columns, read_arms
    from patter.result import envelope, write_result
    from patter.settings import Settings
    from schemas.errors import Code, ConfigError

    started = datetime.now(UTC)
    maps = [text for text in mapping or () if not text.replace(" ", "").startswith("group=")]
    named = [text.partition("=")[2].strip() for text in mapping or () if text not in maps]
    column = group or next(iter(named), None) or _test_column(maps)
    found = read_arms(arms, arm_columns(maps, column))
    tests, left = known_tests(found)
    if not tests:
        raise ConfigError(Code.FILE_INVALID, "no test has two arms that were seen", where=str(arms))
    learn = Settings().learn
    default = Start({}, Prior(evidence=learn.shrinkage, sharpness=learn.sharpness))
    cold, warmed, about = _starts(found, warm, folds, seed)
    starts = {"cold": cold or default} | ({"warm": warmed} if warmed is not None else {})
    rules = Rules(batches=batches, repeats=repeats, draws=draws, epsilon=epsilon)
    # A tenth of the repeats tell as much of what is shown beside: tests differ by more than repeats do.
    few = Rules(batches=batches, repeats=max(2, repeats // 10), draws=draws, epsilon=epsilon)
    # numpy's draws let go of the interpreter, so threads do.
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        result = compared(tests, starts, rules, seed, pool.map)
        beside = compared(tests, {"default": default, "flat": Start({}, PLAIN)}, few, seed, pool.map)["over_uniform"]
    result["over_uniform"] |= {
        "warm": result["over_uniform"].get("warm"),
        **{k: beside[k] for k in ("default", "flat")},
    }
    body = {
        "tests": len(tests),
        "arms": sum(len(known.places) for known in tests),
        "left_out": left,
        "batches": batches,
        "repeats": repeats,
        "draws": draws,
        "epsilon": epsilon,
        "warm": about,
        "simulated": True,
    }
    write_result(envelope("evaluate.bandit", "evaluate bandit", seed, started, [], None) | body | result, json)
    if json is None:
        typer.echo(_told(body | result))


def _test_column(maps: Sequence[str]) -> str:
    """Where no group is named, each test is its own."""
    return next((text.partition("=")[2].strip() for text in maps if text.replace(" ", "").startswith("test=")), "test")


def _starts(
    found: "list[Arm]", warm: str | None, folds: int, seed: int
) -> "tuple[Start | None, Start | None, dict[str, Any] | None]":
    """The tuned cold start and the warm one, and what the result says of them; without a model there is neither."""
    import msgspec

    from inference.decide.warm import Prior
    from inference.simulate.past_tests import Start

    if warm is None:
        return None, None, None
    scores, of_group, about = _outside(found, folds, seed) if warm == FOLDWISE else _by_model(found, Path(warm))
    cold, warmed = (
        {name: msgspec.convert(each[kind], Prior) for name, each in of_group.items()} for kind in ("cold", "warm")
    )
    # Every group has a start of its own.
    nothing = Prior(evidence=1.0)
    return Start(cold, nothing), Start(warmed, nothing, scores), about


def _outside(found: "list[Arm]", folds: int, seed: int) -> tuple[list[float], dict[str, Any], dict[str, Any]]:
    with TemporaryDirectory() as work:
        place = Path(work)
        lines = arms_as_lines(found, place / "train.jsonl")
        said = trained("outside", ["--train", lines, "--folds", folds, "--seed", seed], place / "result.json")
    of_group = {arm.group: said["starts"][str(fold)] for arm, fold in zip(found, said["folds"], strict=True)}
    return said["scores"], of_group, {"model": FOLDWISE, "folds": folds, "starts": list(said["starts"].values())}


def _by_model(found: "list[Arm]", path: Path) -> tuple[list[float], dict[str, Any], dict[str, Any]]:
    from inference.text.conversion import read_conversion, score
    from schemas.errors import Code, ConfigError

    file = path / "conversion.json" if path.is_dir() else path
    model = read_conversion(file)
    start = model.figures.get("start")
    if not start:
        what = "the model does not say how far its predictions are to be trusted"
        raise ConfigError(
            Code.FILE_INVALID, what, where=f"{file}:figures.start", hint="fit it anew with `patter train pconv`"
        )
    scores = [score(model, arm.text, arm.segment) for arm in found]
    return scores, {arm.group: start for arm in found}, {"model": model.version, "starts": [start]}


def _told(result: dict[str, Any]) -> str:
    about = f"{result['tests']} past tests of {result['arms']} arms, {result['batches']} batches, "
    lines = [about + f"{result['repeats']} repeats; clicks over an even split, simulated"]
    for name, row in result["over_uniform"].items():
        if row is not None:
            lines.append(f"{name:8}{row['value']:>+8.2%} [{row['low']:+.2%}, {row['high']:+.2%}]")
    for name, row in result["above"].items():
        lines.append(f"{name.replace('_', ' ')}: {row['value']:+.2%} [{row['low']:+.2%}, {row['high']:+.2%}]")
    return "\n".join(lines)
