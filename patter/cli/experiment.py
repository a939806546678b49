"""`patter experiment create|start|stop|list`: experiments, with the size they need, and who changed what and why."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patter.cli.options import Config, Json

if TYPE_CHECKING:
    from schemas.experiments import ExperimentArm, ExperimentRecord, Metric

app = typer.Typer(no_args_is_help=True)

Named = Annotated[str, typer.Argument(help="The experiment's name.")]
Why = Annotated[str, typer.Option("--why", help="Kept with this version.")]
_MODES = ("fixed", "adaptive", "aa")


@app.command()
def create(
    name: Named,
    arm: Annotated[list[str], typer.Option("--arm", help="NAME=WEIGHT, or NAME for weight 1; the first is template.")],
    baseline: Annotated[float, typer.Option("--baseline", help="The control's rate as you know it, 0..1.")],
    effect: Annotated[float, typer.Option("--effect", help="The change worth finding, of the baseline: 0.1 is 10 %.")],
    per_shopper: Annotated[float, typer.Option("--per-shopper", help="Impressions of a shopper while it runs.")],
    why: Why,
    metric: Annotated[str, typer.Option("--metric", help="ctr or order_per_impression.")] = "ctr",
    guardrail: Annotated[
        list[str] | None, typer.Option("--guardrail", help="METRIC=MARGIN: a loss of that share is put up with.")
    ] = None,
    design_effect: Annotated[
        float, typer.Option("--design-effect", help="How much alike one shopper's impressions are; 1: not at all.")
    ] = 2.0,
    alpha: Annotated[float, typer.Option("--alpha", help="The error rate of the whole decision.")] = 0.05,
    power: Annotated[float, typer.Option("--power", help="How surely the effect is to be found.")] = 0.8,
    mode: Annotated[str, typer.Option("--mode", help="fixed, adaptive (the policy draws) or aa.")] = "fixed",
    layer: Annotated[str, typer.Option("--layer", help="Experiments of one layer share no shopper.")] = "default",
    traffic: Annotated[float, typer.Option("--traffic", help="Share of the layer's shoppers, 0..1.")] = 1.0,
    holdout: Annotated[float, typer.Option("--holdout", help="Share of these who see no copy.")] = 0.0,
    salt: Annotated[str, typer.Option("--salt", help="Of the hash; without it the name.")] = "",
    least: Annotated[int, typer.Option("--min-shoppers", min=2, help="Of each arm, before it is judged.")] = 100,
    most: Annotated[int | None, typer.Option("--max-shoppers", min=2, help="Else the always-valid size.")] = None,
    when: Annotated[str, typer.Option("--stop-when", help="decided or planned_size.")] = "decided",
    config: Config = None,
    json: Json = None,
) -> None:
    """Draw up an experiment, or draw a draft up anew: its arms, its plan, and how many shoppers that needs."""
    import msgspec

    from inference.experiment.lifecycle import draft, planned
    from patter.settings import load
    from patter.wiring.experiments import change, check_arms
    from schemas.errors import Code, ConfigError
    from schemas.experiments import LAYER_BUCKETS, ExperimentRecord, StoppingRule

    settings, arms = load(config), [_arm(each) for each in arm]
    if mode != "aa":
        check_arms(settings, [each.name for each in arms])
    plan = planned(
        arms,
        baseline=baseline,
        effect=effect,
        per_shopper=per_shopper,
        design_effect=design_effect,
        alpha=alpha,
        power=power,
    )
    rails = [_guardrail(each) for each in guardrail or ()]
    chosen: Any = {"mode": _one_of("--mode", mode, _MODES), "metric": _metric(metric)}
    stop: Any = _one_of("--stop-when", when, ("decided", "planned_size"))
    rule = StoppingRule(alpha=alpha, min_shoppers=least, max_shoppers=most or plan.shoppers_always_valid, when=stop)

    def make(newest: dict[str, ExperimentRecord], time_ms: int, by: str) -> ExperimentRecord:
        made = draft(
            name,
            arms=arms,
            plan=plan,
            rule=rule,
            salt=salt,
            layer=layer,
            buckets=round(traffic * LAYER_BUCKETS),
            holdout=holdout,
            guardrails=rails,
            before=newest.get(name),
            time_ms=time_ms,
            by=by,
            why=why,
            **chosen,
        )
        try:
            # What the struct's bounds say of values that came from the command line.
            return msgspec.convert(msgspec.to_builtins(made), ExperimentRecord)
        except msgspec.ValidationError as error:
            raise ConfigError(Code.USAGE, str(error), where=name, hint="patter experiment create --help") from error

    _told(change(settings, make), json)


@app.command()
def start(name: Named, why: Why, config: Config = None, json: Json = None) -> None:
    """Start a draft: it gets its part of the layer, and shoppers their arms."""
    from inference.experiment.lifecycle import started
    from patter.settings import load
    from patter.wiring.experiments import change, known

    def make(newest: dict[str, "ExperimentRecord"], time_ms: int, by: str) -> "ExperimentRecord":
        running = [each for each in newest.values() if each.state == "running"]
        return started(known(newest, name), running, time_ms=time_ms, by=by, why=why)

    _told(change(load(config), make), json)


@app.command()
def stop(name: Named, why: Why, config: Config = None, json: Json = None) -> None:
    """Stop an experiment for good."""
    from inference.experiment.lifecycle import stopped
    from patter.settings import load
    from patter.wiring.experiments import change, known

    def make(newest: dict[str, "ExperimentRecord"], time_ms: int, by: str) -> "ExperimentRecord":
        return stopped(known(newest, name), time_ms=time_ms, by=by, why=why)

    _told(change(load(config), make), json)


@app.command(name="list")
def list_(
    versions: Annotated[bool, typer.Option("--history", help="Every version there was.")] = False,
    config: Config = None,
    json: Json = None,
) -> None:
    """Experiments, or every version of them: what, when, by whom, why."""
    import msgspec

    from patter.result import write_result
    from patter.settings import load
    from patter.wiring.experiments import history, newest

    records = history(load(config))
    shown = records if versions else list(newest(records).values())
    if json is not None:
        write_result({"schema": "patter.experiments/1", "experiments": msgspec.to_builtins(shown)}, json)
        return
    if not shown:
        typer.echo("no experiments; `patter experiment create` draws one up")
    for each in shown:
        typer.echo(_line(each))


def _told(record: "ExperimentRecord", json: Path | None) -> None:
    import msgspec

    from patter.result import write_result

    if json is not None:
        write_result({"schema": "patter.experiment/1", "experiment": msgspec.to_builtins(record)}, json)
        return
    plan = record.plan
    typer.echo(_line(record))
    typer.echo(
        f"{plan.shoppers_always_valid:,} shoppers find {plan.effect:+.0%} with a power of {plan.power:.0%}, looked at "
        f"any time; one look alone would need {plan.shoppers_fixed:,}"
    )


def _line(record: "ExperimentRecord") -> str:
    when = datetime.fromtimestamp(record.time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    arms = ", ".join(f"{arm.name} {share:.0%}" for arm, share in zip(record.arms, record.shares(), strict=True))
    place = record.layer if record.first is None else f"{record.layer} {record.first}-{record.after}"
    name = f"{record.name} v{record.version}"
    return "  ".join((when, name, record.state, record.mode, place, arms, record.by, record.why))


def _arm(text: str) -> "ExperimentArm":
    from schemas.errors import Code, ConfigError
    from schemas.experiments import ExperimentArm

    name, sign, weight = text.partition("=")
    if not name or (sign and not (weight.isascii() and weight.isdigit() and int(weight))):
        raise ConfigError(Code.USAGE, f"{text!r} is no NAME=WEIGHT", where="--arm", hint="as in --arm warm_discover=2")
    return ExperimentArm(name, int(weight) if sign else 1)


def _guardrail(text: str) -> tuple["Metric", float]:
    from schemas.errors import Code, ConfigError

    name, _, margin = text.partition("=")
    try:
        return _metric(name, "--guardrail"), float(margin or 0)
    except ValueError:
        what, hint = f"{text!r} is no METRIC=MARGIN", "as in --guardrail refund_per_order=0.05"
        raise ConfigError(Code.USAGE, what, where="--guardrail", hint=hint) from None


def _metric(name: str, where: str = "--metric") -> "Metric":
    from schemas.experiments import METRICS

    found: Metric = _one_of(where, name, tuple(METRICS))
    return found


def _one_of(where: str, value: str, known: tuple[str, ...]) -> Any:
    from schemas.errors import Code, ConfigError

    if value not in known:
        raise ConfigError(Code.USAGE, f"{value!r} is none of them", where=where, hint=", ".join(known))
    return value
