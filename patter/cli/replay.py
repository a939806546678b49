"""`patter replay`: decisions made again from their records, and actions of a log sent once more."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from patter.cli.options import Config, Json
from patter.replay.times import Times

SHOWN = 20


def replay(
    records: Annotated[
        Path | None, typer.Option("--records", help="Decisions: lines of `topics dump` or --keep; .gz allowed.")
    ] = None,
    broker: Annotated[bool, typer.Option("--broker", help="Decisions as they stand on the broker.")] = False,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="Snapshots: a dump of `policy_log`. Else those beside --records, or the log's."),
    ] = None,
    experiments: Annotated[
        Path | None,
        typer.Option("--experiments", help="A dump of `experiments`. Else that beside --records, or the topic."),
    ] = None,
    live_inputs: Annotated[
        bool,
        typer.Option("--live-inputs", help="Decide with what store, catalogue, pool and policy say now. Exit 0."),
    ] = False,
    events: Annotated[
        str | None, typer.Option("--events", help="Send actions once more: a file of events or of a dump, or a topic.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="The topic that --events go to.")] = None,
    speed: Annotated[
        float, typer.Option("--speed", min=0, help="So many times as fast as it happened; 0 is as fast as it goes.")
    ] = 1.0,
    times: Annotated[
        Times, typer.Option("--times", help="keep the times of --events, or shift them to when they are sent.")
    ] = Times.SHIFT,
    config: Config = None,
    json: Json = None,
) -> None:
    """Decide again from decision records and compare, or with --events send actions of a log once more.

    Exit 0 where nothing differs, 1 where something does, 4 where no decision could be made again.
    """
    from schemas.errors import Code, ConfigError

    ways = [name for name, given in (("--records", records), ("--broker", broker), ("--events", events)) if given]
    if len(ways) != 1:
        raise ConfigError(Code.USAGE, "one of --records, --broker and --events is wanted", where=" ".join(ways))
    if (events is None) != (to is None):
        raise ConfigError(Code.USAGE, "--events and --to go together", where=ways[0])
    if events is not None and to is not None:
        _resend(config, events, to, speed, times, json)
    elif live_inputs:
        _live(config, records, json)
    else:
        _again(config, records, policy, experiments, json)


def _again(
    config: Path | None, records: Path | None, policy: Path | None, experiments: Path | None, json: Path | None
) -> None:
    from patter.replay.run import replay_records
    from patter.result import envelope, write_result
    from patter.settings import load

    started = datetime.now(UTC)
    result = replay_records(load(config), records, policy, experiments)
    if json is not None:
        head = envelope("replay", "replay", None, started, result.failures(), None)
        write_result({**head, **result.members()}, json)
    if str(json) != "-":
        typer.echo("\n".join(result.lines(SHOWN)))
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _live(config: Path | None, records: Path | None, json: Path | None) -> None:
    import msgspec

    from patter.replay.live import replay_live
    from patter.result import envelope, write_result
    from patter.settings import load
    from patter.wiring.kafka import kafka_options
    from streams.kafka.cluster import broker_facts

    started, settings = datetime.now(UTC), load(config)
    facts = broker_facts(kafka_options(settings, "patter-replay"))
    result = replay_live(settings, records)
    if json is not None:
        head = envelope("replay.live", "replay --live-inputs", None, started, [], msgspec.to_builtins(facts))
        write_result({**head, **result.members()}, json)
    if str(json) != "-":
        typer.echo("\n".join(result.lines()))


def _resend(config: Path | None, events: str, to: str, speed: float, times: Times, json: Path | None) -> None:
    import signal
    import threading

    import msgspec

    from patter.replay.sending import resend
    from patter.result import envelope, write_result
    from patter.settings import load
    from patter.wiring.kafka import kafka_options
    from streams.kafka.cluster import broker_facts

    started, settings, stop = datetime.now(UTC), load(config), threading.Event()
    facts = broker_facts(kafka_options(settings, "patter-replay"))
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        sent = resend(settings, events, to, speed, times, stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if json is not None:
        head = envelope("replay.events", "replay --events", None, started, [], msgspec.to_builtins(facts))
        told = {"events": events, "to": to, "speed": speed, "times": times.value, **msgspec.to_builtins(sent)}
        write_result({**head, **told}, json)
    if str(json) != "-":
        typer.echo(
            f"{sent.acknowledged} of {sent.actions} actions sent to {to}"
            + (", stopped" if sent.stopped else "")
            + (f"; {sent.others} records are no actions" if sent.others else "")
            + (f"; at most {sent.behind_s:.3f} s behind" if speed else "")
        )
