"""`patter reach`: how many shoppers were reached, and which products bring most."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from patter.cli.options import Config, Json


def reach(
    day: Annotated[
        str | None, typer.Option("--day", help="Show the products of this day (UTC, YYYY-MM-DD) instead of all time's.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=700, help="How many products of each kind.")] = 10,
    kept: Annotated[
        Path | None,
        typer.Option("--from", help="Read records that `topics dump` wrote instead of the broker's; .gz too."),
    ] = None,
    config: Config = None,
    json: Json = None,
) -> None:
    """Different shoppers who saw copy, clicked and ordered, and the products that bring most: by day and in all.

    Shoppers are estimates with 95 % intervals, products have bounds that hold always. `?` marks a product that one
    below the list may outdo.
    """
    import msgspec

    from features.aggregates.distinct import RELATIVE_ERROR
    from patter.reach.found import LIFE
    from patter.reach.run import reached
    from patter.reach.text import written
    from patter.result import envelope, write_result
    from patter.settings import load
    from patter.wiring.kafka import kafka_options
    from schemas.errors import Code, ConfigError
    from streams.kafka.cluster import broker_facts

    started, settings = datetime.now(UTC), load(config)
    found = reached(settings, top, kept)
    shown = next((each for each in found.buckets if each.bucket == (day or LIFE)), None)
    if shown is None:
        there = ", ".join(each.bucket for each in found.buckets[1:]) or "none yet"
        raise ConfigError(Code.USAGE, f"that day is not kept; there are: {there}", where=str(day))
    if json is not None:
        facts = None if kept is not None else msgspec.to_builtins(broker_facts(kafka_options(settings, "patter-reach")))
        head = envelope("reach", "reach", None, started, [], facts)
        write_result({**head, "relative_error": RELATIVE_ERROR, **msgspec.to_builtins(found)}, json)
    if str(json) != "-":
        typer.echo(written(found, shown))
