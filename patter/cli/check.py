"""`patter check`: what is wrong with the settings, by field, before anything runs."""

import typer

from patter.cli.options import Config, Json


def check(config: Config = None, json: Json = None) -> None:
    """Settings, segments, variants, keys and the feature repository. Exit 2 where something is wrong."""
    from patter.result import write_result
    from patter.wiring.check import all_problems

    found = all_problems(config)
    if json is not None:
        write_result(
            {
                "schema": "patter.check/1",
                "ok": not found,
                "failures": [f"{each.field}: {each.message}" for each in found],
                "problems": [{"field": each.field, "message": each.message} for each in found],
            },
            json,
        )
    else:
        for each in found:
            typer.echo(f"error[settings_invalid]: {each.message}, {config or 'environment'}: {each.field}", err=True)
        if not found:
            typer.echo("fine")
    if found:
        raise typer.Exit(2)
