"""`patter copy show|retired|review|lambda`: what people see of copy, and their say in it."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from patter.cli.options import Config, Json

app = typer.Typer(no_args_is_help=True)
review = typer.Typer(no_args_is_help=True)
weights = typer.Typer(no_args_is_help=True)
app.add_typer(review, name="review", help="Texts that wait for a person: list, approve, reject.")
app.add_typer(weights, name="lambda", help="How much diversity counts against conversion: show, set, history.")

Ids = Annotated[list[str], typer.Argument(help="copy_ids, as `list` and `show` print them.")]
Why = Annotated[str, typer.Option("--why", help="The reason; kept with the ruling.")]


@app.command()
def show(
    product: Annotated[str, typer.Argument(help="A product_id.")], config: Config = None, json: Json = None
) -> None:
    """What the pool holds for a product: every text with its state and scores."""
    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.curation import entries_of

    entries = entries_of(load(config), product)
    if json is not None:
        write_result({"schema": "patter.copy/1", "product_id": product, "entries": entries}, json)
        return
    for entry in entries:
        typer.echo(f"{entry['segment']} / {entry['variant']}")
        for text in entry["candidates"]:
            scores = "  ".join(f"{name} {value:g}" for name, value in sorted(text["scores"].items()))
            typer.echo(f"  {text['copy_id']}  {text['state']:<7}  {text['slot_text']}\n    {scores}")


@app.command()
def retired(
    segment: Annotated[str, typer.Option("--segment", help="Of one segment only.")] = "",
    config: Config = None,
    json: Json = None,
) -> None:
    """Every text that has worn off: when it was retired, in which segment, by whom, and by which figures."""
    import msgspec

    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.retirements import retirements

    found = [each for each in retirements(load(config)) if segment in ("", each.segment)]
    if json is not None:
        rows = [{"time": _utc(each.time_ms), **msgspec.to_builtins(each)} for each in found]
        write_result({"schema": "patter.copy_retired/1", "retired": len(rows), "texts": rows}, json)
        return
    typer.echo(f"{len(found)} texts are retired")
    for each in found:
        typer.echo(f"{_utc(each.time_ms)}  {each.copy_id}  {each.segment}  by {each.by}: {each.why}")
        typer.echo(f"    {each.slot_text}")


@review.command(name="list")
def list_(config: Config = None, json: Json = None) -> None:
    """The texts that wait, the oldest first."""
    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.curation import waiting

    texts = waiting(load(config))
    if json is not None:
        rows = [
            {
                "copy_id": each.verdict.copy_id,
                "product_id": each.verdict.product_id,
                "segment": each.verdict.segment,
                "variant": each.verdict.variant,
                "slot_text": each.verdict.slot_text,
                "codes": each.verdict.codes,
                "since": _utc(each.since_ms),
            }
            for each in texts
        ]
        write_result({"schema": "patter.copy_review/1", "waiting": len(rows), "texts": rows}, json)
        return
    typer.echo(f"{len(texts)} texts wait")
    for each in texts:
        verdict = each.verdict
        codes = f"  [{', '.join(verdict.codes)}]" if verdict.codes else ""
        typer.echo(f"{verdict.copy_id}  {verdict.product_id} / {verdict.segment} / {verdict.variant}{codes}")
        typer.echo(f"    {verdict.slot_text}")


@review.command()
def approve(copy_ids: Ids, config: Config = None, why: Why = "", json: Json = None) -> None:
    """Let texts into the pool."""
    _rule(copy_ids, config, "approved", why, json)


@review.command()
def reject(
    copy_ids: Ids,
    why: Annotated[str, typer.Option("--why", help="The reason; kept with the ruling.")],
    config: Config = None,
    json: Json = None,
) -> None:
    """Take texts out of the pool for good: whatever model writes them again, they do not return."""
    _rule(copy_ids, config, "rejected", why, json)


def _rule(copy_ids: list[str], config: Config, ruling: str, why: str, json: Json) -> None:
    import msgspec

    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.curation import rule

    said = rule(load(config), copy_ids, "approved" if ruling == "approved" else "rejected", why)
    if json is not None:
        write_result({"schema": "patter.copy_ruling/1", "rulings": msgspec.to_builtins(said)}, json)
    for each in said if json is None else ():
        typer.echo(f"{each.ruling}: {each.slot_text}")


@weights.command(name="show")
def show_weights(config: Config = None, json: Json = None) -> None:
    """lambda of every category that has its own, and of the others."""
    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.curation import weights as said
    from schemas.curation import EVERYWHERE

    settings = load(config)
    newest = {each.category: each.creativity for each in said(settings)}
    usual = newest.pop(EVERYWHERE, None)
    held = {name: value for name, value in sorted(newest.items()) if value is not None}
    rest = settings.generate.creativity if usual is None else usual
    if json is not None:
        write_result({"schema": "patter.copy_lambda/1", "lambda": held, "others": rest}, json)
        return
    for name, value in held.items():
        typer.echo(f"{value:g}  {name}")
    typer.echo(f"{rest:g}  {'every other category' if held else 'every category'}")


@weights.command(name="set")
def set_weight(
    value: Annotated[float | None, typer.Argument(min=0.0, max=1.0, help="0: conversion alone, 1: diversity.")] = None,
    category: Annotated[str, typer.Option("--category", help="Of the catalogue's own; without it: all others.")] = "",
    why: Why = "",
    config: Config = None,
    json: Json = None,
) -> None:
    """Set lambda. The pool is ranked anew at once and nothing is written. Without a value: as the others."""
    import msgspec

    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.curation import weigh

    said = weigh(load(config), category, value, why)
    if json is not None:
        write_result({"schema": "patter.copy_lambda_set/1", "set": msgspec.to_builtins(said)}, json)
    else:
        typer.echo(
            f"lambda {'as the others' if value is None else f'{value:g}'} for {category or 'every other category'}"
        )


@weights.command()
def history(config: Config = None, json: Json = None) -> None:
    """Every change of lambda: when, by whom, why."""
    import msgspec

    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.curation import weights as said

    changes = said(load(config))
    if json is not None:
        write_result({"schema": "patter.copy_lambda_history/1", "changes": msgspec.to_builtins(changes)}, json)
        return
    for each in changes:
        value = "as others" if each.creativity is None else f"{each.creativity:g}"
        typer.echo(f"{_utc(each.time_ms)}  {value:<9}  {each.category:<24} {each.by}  {each.why}")


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
