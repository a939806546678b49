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

    from inference.decide.policy import fixed_prior
    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.experiment import experiment_of
    from patter.wiring.policy import publish_policy
    from schemas.policies import PolicySnapshot

    settings = load(config)
    experiment = experiment_of(settings)

    def make(version: int, created_ms: int) -> PolicySnapshot:
        prior = fixed_prior(
            version=version,
            experiment=experiment.name,
            arms=experiment.arms,
            epsilon=settings.policy.epsilon,
            draws=settings.policy.draws,
            created_ms=created_ms,
            by=getpass.getuser(),
            why=why,
        )
        return msgspec.structs.replace(prior, kill=kill)

    snapshot = publish_policy(settings, make)
    if json is not None:
        write_result({"schema": "patter.policy/1", "policy": msgspec.to_builtins(snapshot)}, json)
    else:
        typer.echo(f"policy {snapshot.version} published{' (kill switch on)' if kill else ''}")
