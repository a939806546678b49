"""`patter evaluate intervals`: error rates and power of the intervals of reports, on simulated experiments."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patter.cli.options import Json, Seed

if TYPE_CHECKING:
    from inference.experiment.trials import Outcomes

# The rejection rate of A/As that is put up with, by its upper bound: 6.5 % at alpha = 0.05.
_SLACK = 1.3
_POWER = 0.8
# No arm is judged with fewer shoppers: `schemas.experiments.StoppingRule.min_shoppers`.
_LEAST = 100


def intervals(
    experiments: Annotated[int, typer.Option("--experiments", min=1, help="Simulated, of each kind.")] = 1000,
    peeks: Annotated[int, typer.Option("--peeks", min=1, help="Looks, one after each batch of shoppers.")] = 20,
    effect: Annotated[float, typer.Option("--effect", help="Planned and planted: 0.2 is a rate a fifth higher.")] = 0.2,
    baseline: Annotated[float, typer.Option("--baseline", help="The control's click rate.")] = 0.1,
    alpha: Annotated[float, typer.Option("--alpha", help="The error rate that is asked for.")] = 0.05,
    before: Annotated[
        float, typer.Option("--before", min=0, help="Impressions that shoppers had before, in the mean: CUPED's gain.")
    ] = 0.0,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Error rates of the intervals, simulated: A/As and planted effects, looked at after every batch.

    Exit 1 where the intervals do not do what they promise, or there are too few experiments to show it.
    """
    from inference.experiment.exact import inside, lower, upper
    from inference.experiment.trials import Trials, exposure, planned, run
    from patter.result import envelope, write_result
    from schemas.errors import Code, ConfigError

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
        "least": _LEAST,
        "before": before,
    }
    same = run(Trials(true_effect=0.0, **asked), 2 * seed)
    planted = run(Trials(true_effect=effect, **asked), 2 * seed + 1)
    bound, per_shopper = upper(same.always_valid, experiments), exposure(peeks)[0]
    failures = []
    if bound > _SLACK * alpha:
        failures.append(f"the upper bound of the rejected A/As is {bound:.4f}, above {_SLACK * alpha:.4f}")
    if not inside(same.fixed, experiments, alpha):
        failures.append(f"one look rejects {same.fixed / experiments:.4f} of the A/As, away from {alpha:g}")
    if planted.always_valid < _POWER * experiments:
        failures.append(f"the power is {planted.always_valid / experiments:.4f}, below {_POWER:g}")
    adjusted = _adjusted(same, planted)
    if adjusted is not None and adjusted["upper_bound"] > _SLACK * alpha:
        failures.append(f"adjusted, the upper bound is {adjusted['upper_bound']:.4f}, above {_SLACK * alpha:.4f}")
    if adjusted is not None and not inside(round(adjusted["rejected_fixed"] * experiments), experiments, alpha):
        failures.append(f"adjusted, one look rejects {adjusted['rejected_fixed']:.4f}, away from {alpha:g}")
    told: dict[str, Any] = {
        "experiments": experiments,
        "peeks": peeks,
        "effect": effect,
        "baseline": baseline,
        "alpha": alpha,
        "rejected_peeked": same.always_valid / experiments,
        "upper_bound": bound,
        "rejected_fixed": same.fixed / experiments,
        "rejected_fixed_interval": [lower(same.fixed, experiments, 0.975), upper(same.fixed, experiments, 0.975)],
        "rejected_z_peeked": same.peeked / experiments,
        "rejected_by_impressions": same.by_impressions / experiments,
        "power": planted.always_valid / experiments,
        "power_low": lower(planted.always_valid, experiments),
        "power_fixed": planted.fixed / experiments,
        "shoppers": {
            "planned_always_valid": plan.always_valid,
            "planned_fixed": plan.fixed,
            "used": planted.shoppers,
            "impressions_each": per_shopper,
        },
        "before": before,
        "adjusted": adjusted,
        "simulated": True,
    }
    write_result(envelope("evaluate.intervals", "evaluate intervals", seed, started, failures, None) | told, json)
    if json is None:
        typer.echo(_text(told))
    for failure in failures if str(json) != "-" else ():
        typer.echo(failure, err=True)
    if failures:
        raise typer.Exit(1)


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
