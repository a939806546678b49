"""`patter write`: copy for products, judged and scored, on the screen or as JSON."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from patter.cli.options import Json, Seed


def write(
    catalog: Annotated[
        Path | None, typer.Option("--catalog", help="Your products: CSV or JSON lines, gzipped or not; `-` for stdin.")
    ] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN for other column names.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Write for the first so many products.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="One product, without a file: its name.")] = None,
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
    segment: Annotated[
        list[str] | None, typer.Option("--segment", help="Whom it speaks to; may be repeated. Without it: everybody.")
    ] = None,
    tone: Annotated[str | None, typer.Option("--tone", help="How it speaks. Without it: each segment's own.")] = None,
    cta: Annotated[str | None, typer.Option("--cta", help="What it calls to. Without it: each segment's own.")] = None,
    channel: Annotated[str, typer.Option("--channel", help="Where it is shown; sets the length.")] = "push",
    sentiment: Annotated[str, typer.Option("--sentiment", help="What it sounds like.")] = "any",
    variants: Annotated[int, typer.Option("--variants", min=1, max=50, help="Texts in each set.")] = 3,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Another model bundle than the starter.")] = None,
    brand_rules: Annotated[Path | None, typer.Option("--brand-rules", help="Your brand's rules, a TOML file.")] = None,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Write copy for products: every segment in its own tone, checked against each product's record.

    Without --catalog and --name it writes for a few products of the demo. Exit 1 where a text has to be rejected.
    """
    began_s, started = time.monotonic(), datetime.now(UTC)
    import msgspec
    from rich.console import Console

    from inference.generate.brand import BrandRules
    from inference.generate.brand_file import read_brand_rules
    from inference.generate.copyset import CopySet
    from inference.generate.judge import Standards
    from inference.generate.relevance import neighbours_of
    from inference.text.embedder import HashedTfidf
    from patter.result import envelope, write_result
    from patter.write import opening
    from patter.write.plan import Wanted, plan_of
    from patter.write.progress import Progress
    from patter.write.run import write_products
    from patter.write.sources import SHOWN_OF_DEMO, Flags, products_of
    from patter.write.tally import Tally
    from patter.write.view import product_table, summary

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
    rules = BrandRules() if brand_rules is None else read_brand_rules(brand_rules)
    read = products_of(catalog, mapping or (), flags)
    opened = opening.open_bundle(bundle)
    wanted = Wanted(segments=tuple(segment or ()), tone=tone, cta=cta, channel=channel, sentiment=sentiment)
    plan = plan_of(wanted, opened.controls)
    for error in read.bad:
        print(error.line(), file=sys.stderr)
    for unseen in plan.unseen:
        print(f"the bundle has not seen the segment {unseen!r}: its copy is for anybody", file=sys.stderr)
    most = SHOWN_OF_DEMO if limit is None and catalog is None else limit
    chosen = read.products[:most]
    quiet, console, tally = str(json) == "-", Console(), Tally(keep_items=json is not None)
    with Progress(len(chosen)) as progress:

        def done(sets: list[CopySet]) -> None:
            tally.add(sets)
            progress.step(None if quiet else lambda: console.print(product_table(sets)))

        timing = write_products(
            opened.writer,
            chosen,
            plan,
            variants=variants,
            seed=seed,
            standards=Standards(
                rules=rules,
                neighbours=neighbours_of(read.products),
                kinds=opened.controls.categories,
                telltales=opened.controls.telltales,
            ),
            embedder=HashedTfidf(),
            predict=opened.predict,
            done=done,
            began_s=began_s,
        )
    if not quiet:
        console.print(summary(tally, timing))
        for failure in tally.failures:
            print(failure, file=sys.stderr)
    result = envelope("write", " ".join(["patter", *sys.argv[1:]]), seed, started, tally.failures, None)
    result["bundle"] = opened.about()
    result["input"] = {"products": len(read.products), "written_for": len(chosen), "bad_rows": len(read.bad)}
    result["bad_rows"] = [error.line() for error in read.bad]
    result["items"] = tally.items
    result["timing"] = msgspec.to_builtins(timing)
    write_result(result, json)
    if tally.failures:
        raise typer.Exit(1)
