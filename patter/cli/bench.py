"""`patter bench SUITE`: measured against a baseline in the same run."""

from pathlib import Path
from typing import Annotated

import typer

from patter.cli.options import Json, Seed

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Measure Patter against a baseline in the same run, on the local broker."""


@app.command()
def serve(
    json: Json = None,
    seed: Seed = 1,
    events: Annotated[int, typer.Option("--events", min=1000, help="Records of each throughput run.")] = 2_000_000,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Interleaved repeats of each subject.")] = 3,
    part: Annotated[str, typer.Option("--part", help="throughput, latency, or both.")] = "both",
) -> None:
    """serve's path against the raw confluent-kafka transaction loop without work."""
    from patter.bench.serve import bench_serve
    from patter.result import write_result

    result = bench_serve(events=events, repeats=repeats, seed=seed, part=part)
    write_result(result, json)


@app.command()
def collect(
    json: Json = None,
    seed: Seed = 1,
    events: Annotated[int, typer.Option("--events", min=1000, help="Records that are measured.")] = 500_000,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Interleaved repeats of each subject.")] = 1,
) -> None:
    """collect's path with 1,000 and 1,000,000 shoppers' state, against the loop without work."""
    from patter.bench.collect import bench_collect
    from patter.result import write_result

    write_result(bench_collect(events=events, repeats=repeats, seed=seed), json)


@app.command()
def learn(
    json: Json = None,
    seed: Seed = 1,
    partials: Annotated[int, typer.Option("--partials", min=1000, help="Records that are read.")] = 100_000,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="How often it is measured.")] = 3,
) -> None:
    """learn's path: partials a second, and what one costs."""
    from patter.bench.learn import bench_learn
    from patter.result import write_result

    write_result(bench_learn(partials=partials, repeats=repeats, seed=seed), json)


@app.command()
def generate(
    json: Json = None,
    seed: Seed = 1,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="A bundle's folder; the starter without it.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="The weights, as transformers keeps them; random without it.")
    ] = None,
    requests: Annotated[int, typer.Option("--requests", min=8, help="Texts of each measurement.")] = 128,
    batches: Annotated[str, typer.Option("--batches", help="Most texts at once, one measurement each.")] = "1,8,32",
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Interleaved repeats of each subject.")] = 5,
    subjects: Annotated[
        str, typer.Option("--subjects", help="Rivals: optimum, ctranslate2, transformers; empty for none.")
    ] = "optimum,ctranslate2",
) -> None:
    """The engine against optimum and CTranslate2 on the same model: useful tokens a second, one thread each."""
    from patter.bench.generate import Options, bench_generate
    from patter.result import write_result
    from schemas.errors import Code, ConfigError

    try:
        sizes = tuple(int(size) for size in batches.split(","))
    except ValueError:
        raise ConfigError(Code.USAGE, f"{batches} is no list of numbers", where="--batches", hint="1,8,32") from None
    options = Options(
        bundle=bundle,
        checkpoint=checkpoint,
        requests=requests,
        batches=sizes,
        repeats=repeats,
        seed=seed,
        subjects=tuple(name for name in subjects.split(",") if name),
    )
    write_result(bench_generate(options), json)
