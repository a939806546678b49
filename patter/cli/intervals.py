"""`patter evaluate intervals`: error rates and power of the intervals of reports, on simulated experiments."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patter.cli.options import Json, Seed
from patter.cli.past_intervals import LEAST, broken, finish, past, rejections

if TYPE_CHECKING:
    from inference.experiment.trials import Outcomes

_POWER = 0.8


def intervals(
    experiments: Annotated[int, typer.Option("--experiments", min=1, help="Simulated, of each kind.")] = 1000,
    peeks: Annotated[int, typer.Option("--peeks", min=1, help="Looks, one after each batch of shoppers.")] = 20,
    effect: Annotated[float, typer.Option("--effect", help="Planned and planted: 0.2 is a rate a fifth higher.")] = 0.2,
    baseline: Annotated[
        float, typer.Option("--baseline", help="The control's click rate; with --data it is the data's.")
    ] = 0.1,
    alpha: Annotated[float, typer.Option("--alpha", help="The error rate that is asked for.")] = 0.05,
    before: Annotated[
        float, typer.Option("--before", min=0, help="Impressions that shoppers had before, in the mean: CUPED's gain.")
    ] = 0.0,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Split these shoppers at random instead: CSV or JSON lines, .gz allowed."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="Of --data: FIELD=COLUMN; fields: shopper, trials (else 1 a row), successes."),
    ] = None,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Error rates of the intervals: A/As and planted effects, simulated or of your own log, seen after every batch.

    Exit 1 where the intervals do not do what they promise, or there are too few experiments to show it.
    """
    from inference.experiment.exact import lower
    from inference.experiment.trials import Trials, exposure, planned, run
    from schemas.errors import Code, ConfigError

    if data is not None:
        past(data, mapping or (), experiments, peeks, effect, alpha, seed, json)
        return
    if mapping:
        raise ConfigError(Code.USAGE, "there are no columns to map", where="--map", hint="it goes with --data")
    started = datetime.now(UTC)
    try:
        plan = planned(baseline, effect, peeks, alpha, _POWER)
    except ValueError as error:
        raise ConfigError(Code.USAGE, str(error), where="--baseline, --effect, --alpha") from error
    asked: dict[str, Any] = {
        "experiments": experiments,
        "peeks": peeks,
        "baseline": baseline,
        "plan": plan,
        "least": LEAST,
        "before": before,
    }
    same = run(Trials(true_effect=0.0, **asked), 2 * seed)
    planted = run(Trials(true_effect=effect, **asked), 2 * seed + 1)
    failures = broken(same.always_valid, same.fixed, experiments, alpha)
    if planted.always_valid < _POWER * experiments:
        failures.append(f"the power is {planted.always_valid / experiments:.4f}, below {_POWER:g}")
    adjusted = _adjusted(same, planted)
    if same.adjusted is not None:
        failures += broken(same.adjusted.always_valid, same.adjusted.fixed, experiments, alpha, "adjusted, ")
    told: dict[str, Any] = {
        "experiments": experiments,
        "peeks": peeks,
        "effect": effect,
        "baseline": baseline,
        "alpha": alpha,
        **rejections(same.always_valid, same.fixed, same.peeked, experiments),
        "rejected_by_impressions": same.by_impressions / experiments,
        "power": planted.always_valid / experiments,
        "power_low": lower(planted.always_valid, experiments),
        "power_fixed": planted.fixed / experiments,
        "shoppers": {
            "planned_always_valid": plan.always_valid,
            "planned_fixed": plan.fixed,
            "used": planted.shoppers,
            "impressions_each": exposure(peeks)[0],
        },
        "before": before,
        "adjusted": adjusted,
        "simulated": True,
    }
    finish(told, _text(told), failures, seed, started, json)


def _adjusted(same: "Outcomes", planted: "Outcomes") -> dict[str, Any] | None:
    """The same experiments by what was known of their shoppers before (CUPED)."""
    from inference.experiment.exact import upper

    if same.adjusted is None or planted.adjusted is None:
        return None
    n = same.experiments
    return {
        "rejected_peeked": same.adjusted.always_valid / n,
        "upper_bound": upper(same.adjusted.always_valid, n),
        "rejected_fixed": same.adjusted.fixed / n,
        "power": planted.adjusted.always_valid / n,
        "power_fixed": planted.adjusted.fixed / n,
        "used": planted.adjusted.shoppers,
        "saved": same.adjusted.saved,
    }


def _text(told: dict[str, Any]) -> str:
    shoppers = told["shoppers"]
    low, high = told["rejected_fixed_interval"]
    planned, once = shoppers["planned_always_valid"], shoppers["planned_fixed"]
    rows = (
        ("always-valid, every look", f"{told['rejected_peeked']:.2%}, upper bound {told['upper_bound']:.2%}"),
        ("one look at the end", f"{told['rejected_fixed']:.2%} [{low:.2%}, {high:.2%}]"),
        ("usual interval, every look", f"{told['rejected_z_peeked']:.2%}"),
        ("impressions as independent, one look", f"{told['rejected_by_impressions']:.2%}"),
    )
    return "\n".join(
        [
            f"{told['experiments']} A/As and {told['experiments']} planted effects of {told['effect']:+.0%}",
            f"{told['peeks']} looks each, {planned:,} shoppers (one look alone would need {once:,})",
            "A/As in which a difference was found:",
            *(f"  {name:38} {value}" for name, value in rows),
            "planted effects that were found:",
            f"  {rows[0][0]:38} {told['power']:.2%}, after {shoppers['used']:,.0f} shoppers in the mean",
            f"  {rows[1][0]:38} {told['power_fixed']:.2%}",
            *_adjusted_lines(told["before"], told["adjusted"]),
        ]
    )


def _adjusted_lines(before: float, found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    return [
        f"adjusted by what was known before ({before:g} impressions in the mean), variance saved {found['saved']:.1%}:",
        f"  {'A/As, every look':38} {found['rejected_peeked']:.2%}, upper bound {found['upper_bound']:.2%}",
        f"  {'A/As, one look at the end':38} {found['rejected_fixed']:.2%}",
        f"  {'planted, every look':38} {found['power']:.2%}, after {found['used']:,.0f} shoppers in the mean",
        f"  {'planted, one look at the end':38} {found['power_fixed']:.2%}",
    ]
