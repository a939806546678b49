"""`patter evaluate intervals --data`: error rates of the intervals on shoppers who were really there."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

SLACK = 1.3
"""The rejection rate of A/As that is put up with, by its upper bound over alpha: 6.5 % at 0.05."""
LEAST = 100
"""No arm is judged with fewer shoppers: `schemas.experiments.StoppingRule.min_shoppers`."""


def broken(always_valid: int, fixed: int, experiments: int, alpha: float, which: str = "") -> list[str]:
    """What the intervals promised and did not keep, by A/As that were rejected at any look, and by one look."""
    from inference.experiment.exact import inside, upper

    found, bound = [], upper(always_valid, experiments)
    if bound > SLACK * alpha:
        found.append(f"{which}the upper bound of the rejected A/As is {bound:.4f}, above {SLACK * alpha:.4f}")
    if not inside(fixed, experiments, alpha):
        found.append(f"{which}one look rejects {fixed / experiments:.4f} of the A/As, away from {alpha:g}")
    return found


def rejections(always_valid: int, fixed: int, peeked: int, experiments: int) -> dict[str, Any]:
    """How many A/As were rejected: at any look, by one look at the end, and by the usual interval at any look."""
    from inference.experiment.exact import lower, upper

    return {
        "rejected_peeked": always_valid / experiments,
        "upper_bound": upper(always_valid, experiments),
        "rejected_fixed": fixed / experiments,
        "rejected_fixed_interval": [lower(fixed, experiments, 0.975), upper(fixed, experiments, 0.975)],
        "rejected_z_peeked": peeked / experiments,
    }


def finish(
    told: dict[str, Any], text: str, failures: list[str], seed: int, started: datetime, json: Path | None
) -> None:
    """Tell the result as JSON, or to a person; ends with 1 where something failed."""
    from patter.result import envelope, write_result

    write_result(envelope("evaluate.intervals", "evaluate intervals", seed, started, failures, None) | told, json)
    if json is None:
        typer.echo(text)
    for failure in failures if str(json) != "-" else ():
        typer.echo(failure, err=True)
    if failures:
        raise typer.Exit(1)


def past(
    data: Path, mapping: Sequence[str], splits: int, peeks: int, effect: float, alpha: float, seed: int,
    json: Path | None,
) -> None:  # fmt: skip
    """Read, split, tell; ends with 1 where the intervals do not do what they promise."""
    import numpy as np

    from inference.experiment.past import described, planted, rejected
    from patter.files.visits import read_visits, visit_columns
    from schemas.errors import Code, ConfigError

    started = datetime.now(UTC)
    rows = read_visits(data, visit_columns(mapping))
    chances = [np.random.Generator(np.random.PCG64(each)) for each in np.random.SeedSequence(seed).spawn(3)]
    try:
        about = described(rows)
        better = planted(rows, effect, chances[0])
    except ValueError as error:
        raise ConfigError(Code.USAGE, str(error), where=str(data), hint="--effect, --map") from error
    same = rejected(rows, rows, splits, peeks, alpha, LEAST, chances[1])
    found = rejected(rows, better, splits, peeks, alpha, LEAST, chances[2])
    failures = broken(same.always_valid, same.fixed, splits, alpha)
    told: dict[str, Any] = {
        "experiments": splits,
        "peeks": peeks,
        "effect": effect,
        "baseline": about.value,
        "alpha": alpha,
        **rejections(same.always_valid, same.fixed, same.peeked, splits),
        "power": found.always_valid / splits,
        "power_fixed": found.fixed / splits,
        "shoppers": {"all": rows.shoppers, "impressions_each": about.per_shopper},
        "design_effect": about.design_effect,
        "rows": len(rows.shopper),
        "simulated": False,
    }
    finish(told, _text(told), failures, seed, started, json)


def _text(told: dict[str, Any]) -> str:
    shoppers, design = told["shoppers"], told["design_effect"]
    low, high = told["rejected_fixed_interval"]
    alike = "" if design is None else f", design effect {design:.2f}"
    each = shoppers["impressions_each"]
    return "\n".join(
        [
            f"{told['experiments']} splits of {shoppers['all']:,} shoppers, {told['peeks']} looks each",
            f"value {told['baseline']:.4g}, {each:.3g} trials a shopper{alike}",
            "A/As in which a difference was found:",
            f"  always-valid, every look     {told['rejected_peeked']:.2%}, upper bound {told['upper_bound']:.2%}",
            f"  one look at the end          {told['rejected_fixed']:.2%} [{low:.2%}, {high:.2%}]",
            f"  usual interval, every look   {told['rejected_z_peeked']:.2%}",
            f"planted effects of {told['effect']:+.0%} that were found:",
            f"  always-valid, every look     {told['power']:.2%}",
            f"  one look at the end          {told['power_fixed']:.2%}",
        ]
    )
