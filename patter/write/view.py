"""Copy on a terminal: a table for each product, as soon as it is done."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from inference.generate.copyset import CopySet, Variant
from inference.generate.findings import codes_of
from patter.write.run import Timing
from patter.write.tally import Tally
from schemas.money import written

_STYLES = {"approved": "green", "review": "yellow", "rejected": "red"}


def product_table(sets: Sequence[CopySet]) -> Table:
    """A product's copy: whom each text speaks to, the text, its verdict, and what was measured on it."""
    product = sets[0].ask.product
    price = written(product.price_minor, product.currency)
    table = Table(
        title=Text(f"{product.name}  ({product.category}, {price})", style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        expand=True,
        pad_edge=False,
    )
    table.add_column("for", no_wrap=True)
    table.add_column("copy", ratio=1)
    table.add_column("chars", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("mood", justify="right", no_wrap=True)
    table.add_column("unlike", justify="right", no_wrap=True)
    for copies in sets:
        for number, variant in enumerate(copies.variants):
            last = number == len(copies.variants) - 1
            table.add_row(
                Text(f"{copies.ask.segment}\n{copies.ask.tone}, {copies.ask.cta}" if number == 0 else ""),
                Text(variant.text),
                str(len(variant.text)),
                _verdict(variant),
                f"{variant.scores.sentiment:+.2f}",
                "" if variant.scores.diversity is None else f"{variant.scores.diversity:.2f}",
                end_section=last,
            )
    return table


def summary(tally: Tally, timing: Timing) -> Text:
    """One line at the end."""
    counts = tally.verdicts
    line = f"{counts['approved']} approved, {counts['review']} for review, {counts['rejected']} rejected"
    line += f"; {tally.templates} from templates"
    if timing.first_copy_ms is not None:
        line += f"; first copy after {timing.first_copy_ms / 1000:.1f} s"
    if timing.copies_per_s is not None:
        line += f", {timing.copies_per_s:.0f} copies a second"
    return Text(line, style="dim")


def _verdict(variant: Variant) -> Text:
    text = Text(variant.verdict, style=_STYLES[variant.verdict])
    for code in codes_of(variant.findings):
        text.append(f"\n{code}", style="dim")
    if variant.source == "template":
        text.append("\ntemplate", style="dim")
    return text
