"""`patter topics plan|apply|dump`: topics as the catalogue wants them, and what is in them."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patter.cli.options import Config, Json

if TYPE_CHECKING:
    from streams.kafka.topic_changes import Change

app = typer.Typer(no_args_is_help=True)


class Isolation(StrEnum):
    """Whose records a reader sees."""

    COMMITTED = "read_committed"
    UNCOMMITTED = "read_uncommitted"


@app.command()
def plan(config: Config = None, json: Json = None) -> None:
    """What `apply` would do. Changes nothing."""
    from patter.settings import load
    from patter.wiring.kafka import kafka_options, topics_of
    from streams.kafka.admin import plan as plan_topics

    began, settings = datetime.now(UTC), load(config)
    _tell(plan_topics(kafka_options(settings), topics_of(settings).values()), "plan", began, json)


@app.command()
def apply(config: Config = None, json: Json = None) -> None:
    """Create missing topics, set differing configurations. Refuses where a topic has another number of partitions."""
    from patter.settings import load
    from patter.wiring.kafka import kafka_options, topics_of
    from streams.kafka.admin import apply as apply_topics

    began, settings = datetime.now(UTC), load(config)
    _tell(apply_topics(kafka_options(settings), topics_of(settings).values()), "apply", began, json)


@app.command()
def dump(
    topic: Annotated[str, typer.Argument(help="A topic's name, or its name in the settings, such as `decisions`.")],
    isolation: Annotated[
        Isolation, typer.Option("--isolation", help="read_uncommitted also shows records of aborted transactions.")
    ] = Isolation.COMMITTED,
    config: Config = None,
) -> None:
    """Every record up to where the topic ends now, one line of JSON each, on stdout."""
    import sys

    from patter.settings import load
    from patter.wiring.kafka import kafka_options, topics_of
    from streams.kafka.dump import read_topic
    from streams.kafka.dump_lines import dump_line

    settings = load(config)
    known = topics_of(settings).get(topic)
    name = known.name if known is not None else topic
    for record in read_topic(kafka_options(settings), name, isolation.value):
        sys.stdout.buffer.write(dump_line(record) + b"\n")
    sys.stdout.buffer.flush()


def _tell(found: "list[Change]", verb: str, began: datetime, json: Path | None) -> None:
    import msgspec

    from patter.result import envelope, write_result

    if str(json) != "-":
        typer.echo("\n".join(change.line() for change in found) or "nothing to change")
    if json is not None:
        result = envelope("topics", f"topics {verb}", None, began, [], None)
        write_result({**result, "changes": [msgspec.to_builtins(change) for change in found]}, json)
