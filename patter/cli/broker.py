"""`patter broker start|stop|status`: a real Kafka on this machine, without Docker."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patter.cli.options import Json

if TYPE_CHECKING:
    from streams.brokers.info import BrokerInfo

app = typer.Typer(no_args_is_help=True)
Data = Annotated[Path, typer.Option("--data", help="The broker's folder: its records, logs and settings.")]
DEFAULT_DATA = Path(".patter/kafka")


@app.command()
def start(
    data: Data = DEFAULT_DATA,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port on this machine; 0 takes a free one.")
    ] = 29092,
    lib: Annotated[
        Path | None, typer.Option("--lib", help="Folder with Kafka's jars (.kafka/lib of the checkout).")
    ] = None,
    fetch: Annotated[bool, typer.Option("--fetch/--no-fetch", help="Have Maven fetch jars that are missing.")] = False,
    json: Json = None,
) -> None:
    """Start a broker, or find it running, and wait until it takes transactions. The data of an earlier one is kept."""
    from streams.brokers import jars, local

    began = datetime.now(UTC)
    if fetch and local.status(data) is None:
        jars.fetch(lib or jars.DEFAULT_LIB)
    info = local.start(data, port, lib)
    _tell(info, f"Kafka {info.version} runs on {info.bootstrap} (pid {info.pid}, data in {data})", "start", began, json)


@app.command()
def stop(data: Data = DEFAULT_DATA, json: Json = None) -> None:
    """Stop the broker; its data stays."""
    from streams.brokers import local

    began = datetime.now(UTC)
    info = local.stop(data)
    line = f"no broker ran on {data}" if info is None else f"stopped the broker on {info.bootstrap}"
    _tell(info, line, "stop", began, json)


@app.command()
def status(data: Data = DEFAULT_DATA, json: Json = None) -> None:
    """The broker of a data folder. Exit 1 where none runs."""
    from streams.brokers import local

    began = datetime.now(UTC)
    info = local.status(data)
    if info is None:
        _tell(None, f"no broker runs on {data}", "status", began, json, failures=["no broker runs"])
        raise typer.Exit(1)
    _tell(info, f"Kafka {info.version} runs on {info.bootstrap} (pid {info.pid})", "status", began, json)


def _tell(
    info: "BrokerInfo | None",
    line: str,
    verb: str,
    began: datetime,
    json: Path | None,
    failures: list[str] | None = None,
) -> None:
    from patter.result import envelope, write_result

    if str(json) != "-":
        typer.echo(line)
    if json is None:
        return
    # Whether transactions are isolated is for a run to measure, and delivery for the settings to say.
    facts: dict[str, object] | None = None
    if info is not None:
        facts = {"kind": info.kind, "version": info.version, "bootstrap": info.bootstrap}
        facts |= {"delivery": None, "transactions_isolated": None}
    result = envelope("broker", f"broker {verb}", None, began, failures or [], facts)
    running = info is not None and verb != "stop"
    write_result(
        {**result, "running": running, "pid": info.pid if info else None, "data_dir": info and info.data_dir}, json
    )
