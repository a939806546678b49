"""`patter policy show|set`: the newest snapshot, and publishing one."""

import getpass
from typing import Annotated

import typer

from patter.cli.options import Config, Json

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(config: Config = None, json: Json = None) -> None:
    """The newest policy snapshot."""
    import msgspec

    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.policy import newest_policy

    snapshot = newest_policy(load(config))
    if json is not None:
        write_result({"schema": "patter.policy/1", "policy": msgspec.to_builtins(snapshot)}, json)
    elif snapshot is None:
        typer.echo("no policy has been published; `patter policy set` publishes a fixed prior")
    else:
        typer.echo(msgspec.json.format(msgspec.json.encode(snapshot)).decode())


@app.command(name="set")
def set_(
    config: Config = None,
    kill: Annotated[bool, typer.Option("--kill/--no-kill", help="Show no copy at all from now on.")] = False,
    why: Annotated[str, typer.Option("--why", help="Kept with the snapshot.")] = "",
    json: Json = None,
) -> None:
    """Publish a fixed prior: every arm of the experiment is as likely as the next."""
    import msgspec

    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.policy import publish_prior

    snapshot = publish_prior(load(config), getpass.getuser(), why, kill=kill)
    if json is not None:
        write_result({"schema": "patter.policy/1", "policy": msgspec.to_builtins(snapshot)}, json)
    else:
        typer.echo(f"policy {snapshot.version} published{' (kill switch on)' if kill else ''}")
