"""`patter report`: what experiments found, and what cannot be said."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from patter.cli.options import Config, Json


def report(
    experiment: Annotated[
        str | None, typer.Option("--experiment", help="Only this one; else every one there was.")
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option("--from", help="Read records that `topics dump` wrote instead of the broker's; .gz too."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with plots; it needs no other file.")
    ] = None,
    config: Config = None,
    json: Json = None,
) -> None:
    """Shoppers, effects, intervals and decisions of experiments, their guardrails, and whether the counts are sound."""
    import msgspec

    from patter.report.page import page
    from patter.report.run import lambda_curves, reported
    from patter.report.text import curve_lines, written
    from patter.result import envelope, write_result
    from patter.settings import load
    from patter.wiring.kafka import kafka_options
    from patter.wiring.process import now_ms
    from streams.kafka.cluster import broker_facts

    started, settings = datetime.now(UTC), load(config)
    found = reported(settings, now_ms(), experiment, kept)
    # It is the shop's, and no experiment's.
    curves = lambda_curves(settings, kept) if experiment is None else []
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(page(found, curves), encoding="utf-8")
    if json is not None:
        facts = (
            None if kept is not None else msgspec.to_builtins(broker_facts(kafka_options(settings, "patter-report")))
        )
        head = envelope("report", "report", None, started, [], facts)
        write_result({**head, "experiments": msgspec.to_builtins(found), "lambda": msgspec.to_builtins(curves)}, json)
    if str(json) != "-":
        typer.echo("\n".join([written(found), *curve_lines(curves)]))
