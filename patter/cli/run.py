"""`patter run ROLE`: one role in this process, until SIGTERM."""

import os
import threading
import time
from typing import Annotated

import typer

from patter.cli.options import Config, Member, Parent, Port, Resumed

app = typer.Typer(no_args_is_help=True)


def _follow(parent: int | None) -> None:
    """End with the supervisor: an orphan would go on holding its place in the group."""
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), 15)

    threading.Thread(target=watch, name="parent", daemon=True).start()


@app.command()
def serve(
    config: Config = None, member: Member = None, port: Port = None, parent: Parent = None, resumed: Resumed = False
) -> None:
    """Decide events: join with features, choose a variant, render copy, publish exactly once."""
    from patter.settings import load
    from patter.wiring.serve import run_serve

    _follow(parent)
    run_serve(load(config), member or "serve-0", port, resumed=resumed)


@app.command()
def generate(
    config: Config = None,
    member: Member = None,
    port: Port = None,
    parent: Parent = None,
    resumed: Resumed = False,  # noqa: ARG001
) -> None:
    """Write the copy that serve missed, and nothing else writes to the pool."""
    from patter.settings import load
    from patter.wiring.generate import run_generate

    _follow(parent)
    run_generate(load(config), member or "generate-0", port)


@app.command()
def collect(
    config: Config = None,
    member: Member = None,
    port: Port = None,
    parent: Parent = None,
    resumed: Resumed = False,  # noqa: ARG001 - the supervisor says it to every role
) -> None:
    """Count feedback: impressions, clicks, carts, orders and refunds become cumulative counters, exactly once."""
    from patter.settings import load
    from patter.wiring.collect import run_collect

    _follow(parent)
    run_collect(load(config), member or "collect-0", port)


@app.command()
def learn(
    config: Config = None,
    member: Member = None,
    port: Port = None,
    parent: Parent = None,
    resumed: Resumed = False,  # noqa: ARG001 - the supervisor says it to every role
) -> None:
    """Sum what was counted, publish it with rates, and fit the policy to it."""
    from patter.settings import load
    from patter.wiring.learn import run_learn

    _follow(parent)
    run_learn(load(config), member or "learn-0", port)


@app.command()
def intake(
    source: Annotated[str, typer.Option("--from", help="The topic to read: any JSON objects.")],
    mapping: Annotated[
        list[str], typer.Option("--map", help="FIELD=PATH, such as user_id=context.user.id; =TEXT is a constant.")
    ],
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="THEIRS=OURS, such as 'Product Viewed=product_viewed'.")
    ] = None,
    config: Config = None,
    member: Member = None,
    port: Port = None,
    parent: Parent = None,
    resumed: Resumed = False,  # noqa: ARG001 - the supervisor says it to every role
) -> None:
    """Map any JSON topic to Patter's events."""
    from patter.settings import load
    from patter.wiring.intake import run_intake

    _follow(parent)
    run_intake(load(config), member or "intake-0", port, source, mapping, kind or [])
