"""From draft to running to stopped: each step makes the next version of an experiment's record, or says why not."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from inference.experiment.power import Size, size
from schemas.errors import Code, ConfigError
from schemas.experiments import (
    CONTROL,
    LAYER_BUCKETS,
    METRICS,
    ExperimentArm,
    ExperimentRecord,
    Guardrail,
    Metric,
    Mode,
    Plan,
    StoppingRule,
)


def planned(
    arms: Sequence[ExperimentArm], *, baseline: float, effect: float, per_shopper: float, design_effect: float,
    alpha: float, power: float,
) -> Plan:  # fmt: skip
    """The plan with the sizes that follow from it. Raises ConfigError (usage) where it cannot be met."""
    total = sum(arm.weight for arm in arms)
    try:
        found: Size = size(
            baseline=baseline,
            effect=effect,
            per_shopper=per_shopper,
            design_effect=design_effect,
            alpha=alpha,
            power=power,
            shares=tuple(arm.weight / total for arm in arms),
        )
    except ValueError as error:
        raise ConfigError(Code.USAGE, str(error), where="the plan", hint="docs/experiments.md") from error
    return Plan(
        baseline=baseline,
        effect=effect,
        per_shopper=per_shopper,
        design_effect=design_effect,
        power=power,
        shoppers_fixed=found.fixed,
        shoppers_always_valid=found.always_valid,
        variance=found.variance,
    )


def draft(
    name: str, *, arms: Sequence[ExperimentArm], metric: Metric, plan: Plan, rule: StoppingRule, mode: Mode = "fixed",
    salt: str = "", layer: str = "default", buckets: int = LAYER_BUCKETS, holdout: float = 0.0,
    guardrails: Sequence[tuple[Metric, float]] = (), before: ExperimentRecord | None = None, time_ms: int, by: str,
    why: str,
) -> ExperimentRecord:  # fmt: skip
    """A draft, or the next version of one. `guardrails` are metrics with their margins.

    Raises ConfigError (usage): the name was started before, the arms are not the control and at least one other, each
    once, or the metric is one that no decision can rest on.
    """
    if before is not None and before.state != "draft":
        raise ConfigError(Code.USAGE, f"it is {before.state}", where=name, hint="take another name")
    names = [arm.name for arm in arms]
    if len(names) < 2 or names[0] != CONTROL or len(set(names)) < len(names):
        what = f"the first arm is {CONTROL}, the control, and at least one other follows, each once"
        raise ConfigError(Code.USAGE, what, where=", ".join(names) or name, hint="--arm NAME=WEIGHT")
    if not METRICS[metric].decides:
        what, hint = f"no arm can be chosen by {metric}", "ctr or order_per_impression; it may be a guardrail"
        raise ConfigError(Code.USAGE, what, where=name, hint=hint)
    if len({each for each, _ in guardrails} | {metric}) <= len(guardrails):
        raise ConfigError(Code.USAGE, "a metric stands twice", where=name, hint="once is enough")
    return ExperimentRecord(
        name=name,
        version=1 if before is None else before.version + 1,
        state="draft",
        mode=mode,
        salt=salt or name,
        layer=layer,
        buckets=buckets,
        holdout=holdout,
        arms=tuple(arms),
        metric=metric,
        direction=METRICS[metric].direction,
        guardrails=tuple(Guardrail(each, METRICS[each].direction, margin) for each, margin in guardrails),
        plan=plan,
        rule=rule,
        time_ms=time_ms,
        by=by,
        why=why,
    )


def started(
    record: ExperimentRecord, running: Iterable[ExperimentRecord], *, time_ms: int, by: str, why: str
) -> ExperimentRecord:
    """The next version, running, with the first free stretch of its layer.

    Raises ConfigError (usage): it is no draft, or the layer has no such stretch left.
    """
    if record.state != "draft":
        raise ConfigError(Code.USAGE, f"it is {record.state}", where=record.name, hint="only a draft can be started")
    taken = sorted((each.first or 0, each.after or 0) for each in running if each.layer == record.layer)
    first = 0
    for begin, end in taken:
        if begin - first >= record.buckets:
            break
        first = max(first, end)
    if first + record.buckets > LAYER_BUCKETS:
        raise ConfigError(
            Code.USAGE,
            f"{record.buckets} of {LAYER_BUCKETS} buckets are wanted in one stretch, and the layer has none left",
            where=f"layer {record.layer}",
            hint="stop an experiment, take fewer shoppers, or another layer",
        )
    return replace(
        record,
        version=record.version + 1,
        state="running",
        first=first,
        after=first + record.buckets,
        started_ms=time_ms,
        time_ms=time_ms,
        by=by,
        why=why,
    )


def stopped(record: ExperimentRecord, *, time_ms: int, by: str, why: str) -> ExperimentRecord:
    """The next version, stopped; from a draft too. Raises ConfigError (usage) where it is stopped already."""
    if record.state == "stopped":
        raise ConfigError(Code.USAGE, "it is stopped", where=record.name, hint="a stopped experiment stays so")
    return replace(
        record, version=record.version + 1, state="stopped", stopped_ms=time_ms, time_ms=time_ms, by=by, why=why
    )
