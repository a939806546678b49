"""`patter ask`: one typed task of a bundle, for one product or text."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patter.cli.options import Json, Seed

if TYPE_CHECKING:
    from inference.tasks.answers import Answer
    from schemas.catalog import Product

# Of the options of a closed task; --json has all of them.
_SHOWN = 5


def ask(
    task: Annotated[str, typer.Argument(help="ad, title_rewrite, cta, classify, intent or qa.")],
    bundle: Annotated[Path, typer.Option("--bundle", help="A bundle that `patter train --tasks` made.")],
    catalog: Annotated[
        Path | None, typer.Option("--catalog", help="Your products; their facts tell false from true.")
    ] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN for other column names.")] = None,
    product: Annotated[str | None, typer.Option("--product", help="The product_id of one in --catalog.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="One product, without a file: its name.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="Its description.")] = None,
    category: Annotated[str | None, typer.Option("--category", help="Its category, in your own words.")] = None,
    price: Annotated[
        str | None, typer.Option("--price", help='Its price with the currency, as in "19.99 USD".')
    ] = None,
    brand: Annotated[str | None, typer.Option("--brand", help="Its brand.")] = None,
    color: Annotated[str | None, typer.Option("--color", help="Its colour.")] = None,
    material: Annotated[str | None, typer.Option("--material", help="Its material.")] = None,
    size: Annotated[str | None, typer.Option("--size", help="Its size.")] = None,
    feature: Annotated[list[str] | None, typer.Option("--feature", help="A feature of it; may be repeated.")] = None,
    off: Annotated[str | None, typer.Option("--off", help="Its discount in per cent, as in 20%.")] = None,
    query: Annotated[str | None, typer.Option("--query", help="title_rewrite: what the shopper searched for.")] = None,
    call: Annotated[
        str | None, typer.Option("--call", help="cta and ad: the type: shop, discover, save or remind.")
    ] = None,
    question: Annotated[str | None, typer.Option("--question", help="qa: what the shopper asks.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="intent: what the shopper said or did.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="classify and intent: one of other options; repeat it.")
    ] = None,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Ask a bundle one typed task. A text that a check refuses is not shown: exit 1, with the check's code."""
    from inference.bundle import load_bundle
    from inference.generate.judge import Standards
    from inference.generate.relevance import neighbours_of
    from inference.tasks.answers import open_respondent
    from inference.tasks.records import TASKS
    from inference.tasks.taught import taught_of
    from patter.ask.records import Given, one_of, product_of, record_of
    from patter.result import envelope, write_result
    from patter.write.sources import Flags, products_of
    from schemas.errors import Code, ConfigError

    started = datetime.now(UTC)
    kind = next((each for each in TASKS if each == task), None)
    if kind is None:
        raise ConfigError(Code.USAGE, f"{task!r} is no task", where="patter ask", hint=f"there are {', '.join(TASKS)}")
    loaded = load_bundle(bundle)
    taught = taught_of(loaded.taught, str(bundle), kind)
    flags = Flags(
        name=name,
        category=category,
        price=price,
        brand=brand,
        color=color,
        material=material,
        size=size,
        features=tuple(feature or ()),
        off=off,
    )
    products: list[Product] = []
    if catalog is not None:
        products = products_of(catalog, mapping or (), Flags()).products
    found = None
    if product is not None:
        found = one_of(products, product)
    elif kind not in ("classify", "intent"):
        found = product_of(flags, description)
    given = Given(
        name=name,
        description=description,
        query=query,
        call=call,
        question=question,
        text=text,
        options=tuple(option or ()),
        seed=seed,
    )
    record = record_of(kind, found, given, taught)
    controls = loaded.generation.controls
    standards = Standards(neighbours=neighbours_of(products), kinds=controls.categories, telltales=controls.telltales)
    (answer,) = open_respondent(loaded, standards=standards, batch=1).answers([record])
    failures = [f"{finding.code.value}: {finding.what}".rstrip(": ") for finding in answer.findings]
    result = envelope("ask", " ".join(["patter", *sys.argv[1:]]), seed, started, failures, None)
    result["bundle"] = {"name": loaded.name, "sha256": loaded.sha256, "folder": str(bundle)}
    write_result(result | _told(answer), json)
    if str(json) != "-":
        _show(answer)
    if failures:
        raise typer.Exit(1)


def _told(answer: "Answer") -> dict[str, object]:
    return {
        "task": answer.task,
        "answer": answer.answer,
        # What was refused is not shown anywhere.
        "slot_text": answer.slot_text if answer.answer is not None else None,
        "codes": [finding.code.value for finding in answer.findings],
        "choices": [{"answer": each.answer, "chance": round(each.chance, 4)} for each in answer.choices],
    }


def _show(answer: "Answer") -> None:
    if answer.answer is not None:
        typer.echo(answer.answer)
    for finding in answer.findings:
        typer.echo(f"refused: {finding.code.value}: {finding.what}", err=True)
    for each in answer.choices[:_SHOWN]:
        typer.echo(f"  {each.chance:6.1%}  {each.answer}", err=True)
