"""`patter policy show|set|history|rollback|resume|evaluate`: the policy in force, its versions, and what they got."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patter.cli.options import Config, Json

if TYPE_CHECKING:
    from schemas.policies import PolicySnapshot

app = typer.Typer(no_args_is_help=True)

Why = Annotated[str, typer.Option("--why", help="Kept with the version.")]
Kept = Annotated[
    Path | None, typer.Option("--from", help="Versions from a dump of `policy_log` instead of the broker's log.")
]


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
    kill: Annotated[
        bool | None,
        typer.Option(
            "--kill/--no-kill",
            help="Only stop all copy, or only show it again; beliefs stay. Without either a fixed prior is published.",
        ),
    ] = None,
    why: Why = "",
    json: Json = None,
) -> None:
    """Publish a fixed prior, every arm as likely as the next, which ends a kill and a rollback; or stop all copy."""
    from inference.decide.acts import Act, revived
    from patter.settings import load
    from patter.wiring.policy import publish_act, publish_kill, publish_prior, who

    settings = load(config)
    if kill is None:
        made = publish_prior(settings, who(), why)
    elif kill:
        made = publish_kill(settings, who(), why)
    else:
        made = publish_act(settings, lambda newest, at_ms: revived(newest, Act(who(), why, at_ms)))
    _told(made, json)


@app.command()
def history(
    last: Annotated[int, typer.Option("--last", min=0, help="So many, the newest; 0 for all.")] = 20,
    cause: Annotated[
        list[str] | None,
        typer.Option("--cause", help="Only these: learned, set, kill, revive, rollback, resume."),
    ] = None,
    kept: Kept = None,
    config: Config = None,
    json: Json = None,
) -> None:
    """Versions of the policy: when, why there is one, who made it, and what it changed."""
    import msgspec

    from inference.decide.acts import CAUSES
    from patter.policies.lines import lines
    from patter.policies.log import history as found_in
    from patter.result import write_result
    from patter.settings import load
    from schemas.errors import Code, ConfigError

    for each in cause or ():
        if each not in CAUSES:
            raise ConfigError(Code.USAGE, f"there is no cause {each!r}", where="--cause", hint=", ".join(CAUSES))
    found = found_in(load(config), kept, last, cause or ())
    if json is not None:
        write_result({"schema": "patter.policy_history/1", **msgspec.to_builtins(found)}, json)
    if str(json) != "-":
        typer.echo("\n".join(lines(found)))


@app.command()
def rollback(
    version: Annotated[int, typer.Argument(help="The version whose beliefs are to hold; see `patter policy history`.")],
    why: Annotated[str, typer.Option("--why", help="Kept with the version.")],
    kept: Kept = None,
    config: Config = None,
    json: Json = None,
) -> None:
    """Publish the beliefs of an older version anew, and hold them until `patter policy resume`."""
    from inference.decide.acts import Act, rolled_back
    from patter.policies.log import Log
    from patter.settings import load
    from patter.wiring.policy import publish_act, who

    settings = load(config)
    to = Log(settings, kept).version(version)
    _told(publish_act(settings, lambda newest, at_ms: rolled_back(newest, to, Act(who(), why, at_ms))), json)


@app.command()
def resume(why: Why = "", config: Config = None, json: Json = None) -> None:
    """End a rollback: learn goes on from what has been counted, all along."""
    from inference.decide.acts import Act, resumed
    from patter.settings import load
    from patter.wiring.policy import publish_act, who

    _told(publish_act(load(config), lambda newest, at_ms: resumed(newest, Act(who(), why, at_ms))), json)


@app.command()
def evaluate(
    version: Annotated[int, typer.Option("--version", help="The one to judge; see `patter policy history`.")],
    against: Annotated[
        int | None, typer.Option("--against", help="Another one beside it, instead of what was got.")
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option("--from", help="A folder that --keep wrote, or a file of dumps, instead of the broker's topics."),
    ] = None,
    reward: Annotated[str | None, typer.Option("--reward", help="click or order; else that of the settings.")] = None,
    in_sample: Annotated[
        bool,
        typer.Option("--in-sample", help="Use decisions that the versions were fitted to as well: it flatters them."),
    ] = False,
    config: Config = None,
    json: Json = None,
) -> None:
    """What a version would have got on logged decisions, by inverse propensity. Exit 4 where there are too few."""
    import msgspec

    from patter.policies.evaluate import evaluate as judged
    from patter.policies.verdict import evaluation, verdict
    from patter.result import envelope, write_result
    from patter.settings import load

    started, settings = datetime.now(UTC), load(config)
    found = judged(settings, version, against, kept, reward or settings.learn.reward, in_sample=in_sample)
    if json is not None:
        head = envelope("policy_evaluate", "policy evaluate", None, started, [], None)
        write_result({**head, **msgspec.to_builtins(found), "verdict": verdict(found)}, json)
    if str(json) != "-":
        typer.echo("\n".join(evaluation(found)))
    if found.gain.value is None:
        raise typer.Exit(4)


def _told(snapshot: "PolicySnapshot", json: Path | None) -> None:
    import msgspec

    from patter.result import write_result

    if json is not None:
        write_result({"schema": "patter.policy/1", "policy": msgspec.to_builtins(snapshot)}, json)
        return
    held = f", the beliefs of version {snapshot.held} are held" if snapshot.held is not None else ""
    typer.echo(f"policy {snapshot.version} published{held}{' (kill switch on)' if snapshot.kill else ''}")
