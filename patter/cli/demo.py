"""`patter demo`: the main job on this machine, from an empty folder to copy on a topic."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from patter.cli.options import Config, Json, Seed


def demo(
    events: Annotated[
        Path | None, typer.Option("--events", help="Your events: CSV or JSON lines, or a --keep file.")
    ] = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", help="Your products: CSV or JSON lines.")] = None,
    users: Annotated[Path | None, typer.Option("--users", help="Your shoppers: CSV or JSON lines.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN for other column names.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=1, help="How long the input lasts.")] = None,
    rate: Annotated[float, typer.Option("--rate", min=1, help="Offered events per second.")] = 400.0,
    shoppers: Annotated[int, typer.Option("--shoppers", min=1, help="Shoppers of the demo's own shop.")] = 3_000,
    malformed: Annotated[int, typer.Option("--malformed", min=0, help="Bad records among the input.")] = 40,
    duplicates: Annotated[int, typer.Option("--duplicates", min=0, help="Repeated records among the input.")] = 200,
    raw: Annotated[bool, typer.Option("--raw", help="Send lines of --events byte for byte, decodable or not.")] = False,
    rebase_times: Annotated[
        bool, typer.Option("--rebase-times", help="Move the times of --events so that the newest is now.")
    ] = False,
    data: Annotated[Path, typer.Option("--data", help="Folder of this run and of those after it.")] = Path(
        ".patter/demo"
    ),
    keep: Annotated[Path | None, typer.Option("--keep", help="Write every record of the run here.")] = None,
    hold: Annotated[
        float, typer.Option("--hold", min=0, help="Keep the roles up so many seconds after the input.")
    ] = 0.0,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Another model bundle.")] = None,
    config: Config = None,
    broker: Annotated[str, typer.Option("--broker", help="embedded, local, or HOST:PORT.")] = "embedded",
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Run the whole loop on this machine and recount it from the topics. Exit 1 where a count does not hold."""
    from patter.demo.options import DemoOptions
    from patter.demo.run import run_demo
    from patter.result import write_result

    if broker not in ("embedded", "local") and ":" not in broker:
        raise typer.BadParameter("embedded, local, or HOST:PORT", param_hint="--broker")
    options = DemoOptions(
        broker=broker,
        data_dir=data,
        config=config,
        bundle=bundle,
        events=events,
        catalog=catalog,
        users=users,
        mapping=tuple(mapping or ()),
        raw=raw,
        rebase_times=rebase_times,
        seconds=seconds,
        rate=rate,
        shoppers=shoppers,
        malformed=malformed,
        duplicates=duplicates,
        keep=keep,
        hold_s=hold,
        seed=seed,
        command=" ".join(["patter", *sys.argv[1:]]),
    )
    result = run_demo(options, quiet=str(json) == "-", json_path=json)
    write_result(result, json)
    if not result["ok"]:
        raise typer.Exit(1)
