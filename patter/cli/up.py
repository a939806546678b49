"""`patter up`: every role of this machine, watched over."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from patter.cli.options import Config


def up(
    config: Config = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="serve processes; one per core at most.")] = 1,
    generators: Annotated[int, typer.Option("--generators", min=0, help="generate processes.")] = 1,
    collectors: Annotated[int, typer.Option("--collectors", min=0, help="collect processes.")] = 1,
    learners: Annotated[int, typer.Option("--learners", min=0, help="learn processes; a second one takes over.")] = 1,
    machine: Annotated[
        str,
        typer.Option("--machine", help="A name that no other machine of this tenant has; needed from the second on."),
    ] = "",
) -> None:
    """Run all roles until SIGTERM or Ctrl-C; what dies is started again within a second."""
    from patter.roles import role_specs
    from patter.settings import load
    from patter.supervisor import Supervisor
    from patter.telemetry.logging import set_up
    from patter.wiring.topics import apply_topics
    from schemas.errors import Code, PatterError

    settings = load(config)
    set_up("up")
    apply_topics(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    specs = role_specs(
        config, workers, generators=generators, collectors=collectors, learners=learners, machine=machine
    )
    supervisor = Supervisor(specs, Path(settings.data_dir), restart=True)
    supervisor.start()
    try:
        while not stop.wait(0.5) and supervisor.failure is None:
            pass
    finally:
        supervisor.stop()
    if supervisor.failure is not None:
        name = supervisor.failure.partition(" ")[0]
        raise PatterError(
            Code.ROLE_DIED, supervisor.failure, where=supervisor.log_tail(name, 1), hint="its log is in DATA/logs"
        )
