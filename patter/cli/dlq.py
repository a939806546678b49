"""`patter dlq list|show|replay`: what was set aside, why, and a second chance for it."""

from typing import Annotated

import typer

from patter.cli.options import Config, Json

app = typer.Typer(no_args_is_help=True)
Code = Annotated[str | None, typer.Option("--code", help="Only records with this code.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most this many.")]


@app.command(name="list")
def list_(config: Config = None, code: Code = None, limit: Limit = 20, json: Json = None) -> None:
    """Dead letters: how many by code, and the newest of them."""
    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.letters import dead_letters

    letters = [letter for letter in dead_letters(load(config)) if code is None or letter.code == code]
    by_code: dict[str, int] = {}
    for letter in letters:
        by_code[letter.code] = by_code.get(letter.code, 0) + 1
    if json is not None:
        rows = [letter.row() for letter in letters[-limit:]]
        write_result({"schema": "patter.dlq/1", "records": len(letters), "by_code": by_code, "letters": rows}, json)
        return
    typer.echo(
        f"{len(letters)} records: " + (", ".join(f"{name} {n}" for name, n in sorted(by_code.items())) or "none")
    )
    for letter in letters[-limit:]:
        typer.echo(f"{letter.place}  {letter.code:<16} {letter.stage:<8} {letter.source}  {letter.detail}")


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="PARTITION/OFFSET on the DLQ, as `list` prints it.")],
    config: Config = None,
) -> None:
    """One dead letter: its headers on stderr, its original bytes on stdout."""
    import sys

    from patter.settings import load
    from patter.wiring.letters import dead_letters
    from schemas.errors import Code as ErrorCode
    from schemas.errors import ConfigError

    for letter in dead_letters(load(config)):
        if letter.place == place:
            for name, value in letter.row().items():
                typer.echo(f"{name}: {value}", err=True)
            sys.stdout.buffer.write(letter.value or b"")
            return
    raise ConfigError(ErrorCode.USAGE, "no such dead letter", where=place, hint="patter dlq list")


@app.command()
def replay(config: Config = None, code: Code = None, limit: Limit = 1_000_000, json: Json = None) -> None:
    """Send dead letters to the topics that they came from once more, byte for byte. Narrow it down with --code.

    What serve has decided in the meantime is a duplicate there and changes nothing.
    """
    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.letters import dead_letters, replay_letters

    settings = load(config)
    letters = [letter for letter in dead_letters(settings) if code is None or letter.code == code]
    sent = replay_letters(settings, letters[:limit])
    if json is not None:
        write_result({"schema": "patter.dlq_replay/1", "ok": True, "replayed": sent}, json)
    else:
        typer.echo(f"{sent} records replayed")
