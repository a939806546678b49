"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path | None, typer.Option("--config", help="Settings file; see deploy/patter.toml for an example.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON; `-` prints it to stdout.")]
Port = Annotated[int | None, typer.Option("--port", help="Port of /metrics, /live and /ready; 0 takes a free one.")]
Member = Annotated[
    str | None, typer.Option("--member", help="This worker's name, stable over restarts and unlike any other's.")
]
Parent = Annotated[int | None, typer.Option("--parent", hidden=True, help="Stop when this process is gone.")]
Resumed = Annotated[bool, typer.Option("--resumed", hidden=True, help="This process follows one that died.")]
Seed = Annotated[int, typer.Option("--seed", help="Where chance plays, it plays from here.")]
