"""`patter simulate lambda`: what lambda costs where creativity costs clicks by construction."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from patter.cli.options import Json, Seed


def sweep(
    seeds: Annotated[int, typer.Option("--seeds", min=2, help="Shops, each made up by a seed of its own.")] = 50,
    candidates: Annotated[int, typer.Option("--candidates", min=2, help="Texts for each product and segment.")] = 8,
    shown: Annotated[int, typer.Option("--shown", min=1, help="Of these, how many are shown.")] = 2,
    cost: Annotated[float, typer.Option("--cost", help="Log-odds that a text wholly of its own loses.")] = 1.5,
    csv: Annotated[Path | None, typer.Option("--csv", help="The rows as CSV.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="A plot of them.")] = None,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Diversity and true rates of what equation 3 shows, for lambda from 0 to 1. Made up: creativity costs clicks
    here.
    """
    from inference.simulate.creativity import Sweep, lambda_curve
    from patter.plots.curve import drawing
    from patter.result import envelope, write_result
    from schemas.errors import Code, ConfigError

    started = datetime.now(UTC)
    if shown >= candidates:
        raise ConfigError(Code.USAGE, "as many are shown as there are", where="--shown", hint="show fewer")
    made = Sweep(candidates=candidates, shown=shown, cost=cost)
    rows = lambda_curve(made, range(seed, seed + seeds))
    head = envelope("simulate.lambda", "simulate lambda", seed, started, [], None)
    about = {"simulated": True, "creativity_costs_clicks_by_construction": True, "seeds": seeds}
    write_result(head | about | {"candidates": candidates, "shown": shown, "cost": cost, "curve": rows}, json)
    if csv is not None:
        lines = [",".join(rows[0]), *(",".join(_written(value) for value in row.values()) for row in rows)]
        csv.write_text("\n".join(lines) + "\n")
    if svg is not None:
        title = "Made up: creativity costs clicks by construction"
        svg.write_text(drawing(rows, "lambda", ("diversity", "ctr", "order_per_impression"), "category", title))
    if json is None:
        for row in rows:
            if row["category"] == "all":
                typer.echo(
                    f"lambda {row['lambda']:.1f}  diversity {row['diversity']:.3f}  ctr {row['ctr']:.4f}  "
                    f"order_per_impression {row['order_per_impression']:.5f}"
                )


def _written(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
