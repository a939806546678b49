"""The report of an experiment, computed: from the sums of its arms to figures, intervals and words."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from inference.experiment.cuped import adjusted
from inference.experiment.ratio import Estimate, difference, estimate
from inference.experiment.sequential import fixed_half_width, half_width, p_value
from inference.experiment.srm import Mismatch, Stratum, mismatch
from inference.experiment.sums import ShopperSums
from inference.experiment.verdict import Decision, Ending, Guarded, decide, ending, guard
from schemas.experiments import Direction, ExperimentRecord, Metric

SCHEMA = "patter.experiment_report/1"


class ArmData(Struct, frozen=True):
    """What is known of one arm: sums by metric, and how many shoppers were assigned to it, by source."""

    name: str
    sums: Mapping[Metric, ShopperSums]
    sources: Mapping[str, int]


class ArmFigure(Struct, frozen=True):
    """An arm's own value of a metric, with its always-valid interval; None where there is nothing yet."""

    arm: str
    metric: Metric
    n: int
    value: float | None
    low: float | None
    high: float | None


class Comparison(Struct, frozen=True, kw_only=True):
    """A variant against the control. `effect` is absolute; `relative` is of the control's value.

    `low` and `high` hold at every look; `fixed_low` and `fixed_high` only if this is the one look that was planned.
    Where something was known of the shoppers before, all of these are adjusted by it (CUPED): `saved` is the share of
    the variance that this took away, a little below 0 where it told nothing, and `plain_` is the effect without it,
    with its interval that holds at every look. They are None where nothing was known, and under adaptive arms.
    """

    arm: str
    metric: Metric
    direction: Direction
    effect: float | None = None
    relative: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    fixed_low: float | None = None
    fixed_high: float | None = None
    saved: float | None = None
    plain_effect: float | None = None
    plain_low: float | None = None
    plain_high: float | None = None
    decision: Decision | None = None
    guardrail: Guarded | None = None
    margin: float | None = None


class Report(Struct, frozen=True, kw_only=True):
    """The whole report. `alpha` is what each variant's interval has (Bonferroni); `excluded` says what was left out
    and why, in counts. Under A/A `better` and `worse` are false alarms."""

    schema: str
    experiment: str
    version: int
    state: str
    mode: str
    time_ms: int
    metric: Metric
    alpha: float
    n: int
    planned: int
    srm: Mismatch
    arms: tuple[ArmFigure, ...]
    comparisons: tuple[Comparison, ...]
    guardrails: tuple[Comparison, ...]
    ending: Ending
    excluded: dict[str, int]


def report(
    record: ExperimentRecord,
    arms: Sequence[ArmData],
    *,
    time_ms: int,
    excluded: Mapping[str, int] | None = None,
    strata: Sequence[Stratum] | None = None,
) -> Report:
    """The report of `record` at `time_ms`.

    `arms` are in the record's order, the control first. `strata` are what the SRM test expects; without them the arms'
    shares do, for every source. Under adaptive arms they have to be given: decisions by the logged propensities.

    Raises ValueError where the arms are not those of the record, or an adaptive experiment comes without strata.
    """
    if [arm.name for arm in arms] != [arm.name for arm in record.arms]:
        raise ValueError(f"arms {[arm.name for arm in arms]} are not those of {record.name}")
    if strata is None:
        if record.mode == "adaptive":
            raise ValueError("what to expect of adaptive arms stands in their logged propensities: give the strata")
        strata = _expected(record, arms)
    srm = mismatch([arm.name for arm in arms], strata, record.rule.srm_alpha)
    alpha = record.rule.alpha / (len(arms) - 1)
    metrics = (record.metric, *(each.metric for each in record.guardrails))
    n = sum(_shoppers(arm, record.metric) for arm in arms)
    comparisons = _compared(record, arms, alpha, fired=srm.fired)
    guardrails = tuple(
        each
        for rail in record.guardrails
        for each in _guarded(record, rail.metric, rail.direction, rail.margin, arms, alpha, fired=srm.fired)
    )
    return Report(
        schema=SCHEMA,
        experiment=record.name,
        version=record.version,
        state=record.state,
        mode=record.mode,
        time_ms=time_ms,
        metric=record.metric,
        alpha=alpha,
        n=n,
        planned=record.rule.max_shoppers,
        srm=srm,
        arms=tuple(_figure(record, arm, metric, alpha) for metric in metrics for arm in arms),
        comparisons=comparisons,
        guardrails=guardrails,
        ending=ending(
            record.rule,
            [each.decision for each in comparisons if each.decision is not None],
            [each.guardrail for each in guardrails if each.guardrail is not None],
            n,
        ),
        excluded=dict(excluded or {}),
    )


def _expected(record: ExperimentRecord, arms: Sequence[ArmData]) -> list[Stratum]:
    sources = sorted({source for arm in arms for source in arm.sources})
    shares = record.shares()
    return [Stratum(source, shares, tuple(arm.sources.get(source, 0) for arm in arms)) for source in sources]


def _shoppers(arm: ArmData, metric: Metric) -> int:
    return arm.sums.get(metric, ShopperSums()).n


def _planned(record: ExperimentRecord, metric: Metric, variance: float, n: int) -> float:
    """The variance at which the interval is tuned: the plan's for its metric; for others, by shoppers, what their own
    will have come down to at the planned size."""
    return record.plan.variance if metric == record.metric else variance * max(n, 1) / record.rule.max_shoppers


def _figure(record: ExperimentRecord, arm: ArmData, metric: Metric, alpha: float) -> ArmFigure:
    found = estimate(arm.sums.get(metric, ShopperSums()))
    if found is None:
        return ArmFigure(arm.name, metric, _shoppers(arm, metric), None, None, None)
    planned = _planned(record, metric, found.variance, found.n * len(record.arms))
    if metric == record.metric:
        # The plan's variance is that of a difference, to which each of two arms gives a half.
        planned /= 2
    low, high = _around(found, planned, alpha)
    return ArmFigure(arm.name, metric, found.n, found.value, low, high)


def _pairs(
    record: ExperimentRecord, arms: Sequence[ArmData], metric: Metric
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """The arms' estimates, by what was known before where something was, and without it; the latter empty where not.

    Where arms are drawn for each decision, shoppers who come often are in more of them, and arms differ in what was
    known of theirs by more than chance.
    """
    sums = {arm.name: arm.sums.get(metric, ShopperSums()) for arm in arms}
    plain = {name: found for name, each in sums.items() if (found := estimate(each)) is not None}
    better = adjusted(sums) if record.mode != "adaptive" else None
    return (better, plain) if better else (plain, {})


def _compare(
    record: ExperimentRecord, metric: Metric, direction: Direction, arms: Sequence[ArmData], alpha: float
) -> list[tuple[Comparison, tuple[int, int], float]]:
    """Each variant against the control, the shoppers of both, and the control's value."""
    estimates, plain = _pairs(record, arms, metric)
    first = arms[0].name
    control = estimates.get(first)
    n = sum(_shoppers(each, metric) for each in arms)
    found = []
    for arm in arms[1:]:
        shoppers = (_shoppers(arms[0], metric), _shoppers(arm, metric))
        variant = estimates.get(arm.name)
        if control is None or variant is None:
            found.append((Comparison(arm=arm.name, metric=metric, direction=direction), shoppers, 0.0))
            continue
        gap = difference(variant, control)
        planned = _planned(record, metric, gap.variance, n)
        low, high = _around(gap, planned, alpha)
        once = float(fixed_half_width(gap.variance, alpha))
        each = Comparison(
            arm=arm.name,
            metric=metric,
            direction=direction,
            effect=gap.value,
            relative=gap.value / control.value if control.value else None,
            low=low,
            high=high,
            p=float(p_value(gap.value, gap.variance, planned, alpha)),
            fixed_low=gap.value - once,
            fixed_high=gap.value + once,
        )
        if plain:
            bare = difference(plain[arm.name], plain[first])
            low, high = _around(bare, _planned(record, metric, bare.variance, n), alpha)
            saved = 1 - gap.variance / bare.variance if bare.variance > 0 else None
            each = replace(each, saved=saved, plain_effect=bare.value, plain_low=low, plain_high=high)
        found.append((each, shoppers, control.value))
    return found


def _around(gap: Estimate, planned: float, alpha: float) -> tuple[float | None, float | None]:
    """The interval that holds at every look; (None, None) where there is none yet."""
    half = _finite(float(half_width(gap.variance, planned, alpha)))
    return (None, None) if half is None else (gap.value - half, gap.value + half)


def _compared(
    record: ExperimentRecord, arms: Sequence[ArmData], alpha: float, *, fired: bool
) -> tuple[Comparison, ...]:
    return tuple(
        replace(each, decision=decide(*_ends(each), record.direction, both, record.rule.min_shoppers, srm=fired))
        for each, both, _ in _compare(record, record.metric, record.direction, arms, alpha)
    )


def _guarded(
    record: ExperimentRecord, metric: Metric, direction: Direction, margin: float, arms: Sequence[ArmData],
    alpha: float, *, fired: bool,
) -> tuple[Comparison, ...]:  # fmt: skip
    return tuple(
        replace(
            each,
            margin=margin,
            guardrail=guard(*_ends(each), direction, margin * abs(usual), both, record.rule.min_shoppers, srm=fired),
        )
        for each, both, usual in _compare(record, metric, direction, arms, alpha)
    )


def _ends(each: Comparison) -> tuple[float, float]:
    """The interval; one that does not exist is nan, of which nothing can be said."""
    nothing = float("nan")
    return (nothing if each.low is None else each.low, nothing if each.high is None else each.high)


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None
