"""`patter verify`: what was counted online, against a recount of the input log in SQL."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from patter.cli.options import Config, Json

SHOWN = 20


def verify(
    config: Config = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, help="Seconds to wait until what is committed is published.")
    ] = 60.0,
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Where all is equal, write a signed checkpoint to count on from later.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Count on from the newest checkpoint also where the log is whole.")
    ] = False,
    json: Json = None,
) -> None:
    """Recount the input log in SQL and compare every cell and sketch that collect has published. Works while events
    flow.

    Where retention has cut the log it counts on from the newest checkpoint, and says so. Exit 0 where all is equal, 1
    where something differs, 2 where the checkpoint was altered, 4 where the log is cut and no checkpoint reaches it.
    """
    import msgspec

    from patter.result import envelope, write_result
    from patter.settings import load
    from patter.verify.run import verify_online
    from patter.wiring.kafka import kafka_options
    from streams.kafka.cluster import broker_facts

    started, settings = datetime.now(UTC), load(config)
    facts = broker_facts(kafka_options(settings, "patter-verify"))
    result = verify_online(settings, timeout, resume=resume, keep_at=started if checkpoint else None)
    if json is not None:
        head = envelope("verify", "verify", None, started, result.failures(), msgspec.to_builtins(facts))
        write_result({**head, **result.members()}, json)
    if str(json) != "-":
        typer.echo(
            f"{result.cells} cells and {result.sketches} sketches of {result.records_read} records: "
            + ("equal" if result.equal else "not equal")
        )
        if result.checkpoint is not None:
            reached = ", ".join(f"{p} from {through + 1}" for p, through in sorted(result.checkpoint.through.items()))
            typer.echo(f"counted on from checkpoint {result.checkpoint.name}: " + (reached or "of no partition"))
        if result.kept is not None:
            typer.echo(f"checkpoint {result.kept} written")
        for each in result.differences[:SHOWN]:
            typer.echo(f"  {each.partition} {each.cell} {each.field}: online {each.online}, batch {each.batch}")
        if len(result.differences) > SHOWN:
            typer.echo(f"  and {len(result.differences) - SHOWN} more")
        for failure in result.failures():
            typer.echo(failure, err=True)
    if result.exit_code:
        raise typer.Exit(result.exit_code)
