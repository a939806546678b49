"""An experiment as a versioned record: what is compared, on whom, for how long, and how it is judged."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.ids import Name

LAYER_BUCKETS = 10_000
"""A layer's shoppers fall into so many buckets; experiments of one layer hold buckets apart from each other."""
CONTROL = "template"
"""The control arm of every experiment: copy from templates."""

Metric = Literal[
    "ctr", "order_per_impression", "revenue_per_impression", "cart_per_click", "order_per_click", "refund_per_order"
]
Direction = Literal["higher_is_better", "lower_is_better"]
State = Literal["draft", "running", "stopped"]
Mode = Literal["fixed", "adaptive", "aa"]
Share = Annotated[float, Meta(ge=0, lt=1)]
Open = Annotated[float, Meta(gt=0, lt=1)]


class MetricParts(Struct, frozen=True):
    """A ratio metric: the counters of docs/feedback.md above and below the line, and which way is good."""

    numerator: str
    denominator: str
    direction: Direction
    decides: bool
    """Whether an experiment may be decided by it: a rate of what happens whatever the arm. Who clicks is itself an
    effect of the copy, so clicks below the line compare different shoppers; and amounts of money have tails for which
    no plan can say the variance. Such metrics can be guardrails."""


METRICS: dict[Metric, MetricParts] = {
    "ctr": MetricParts("clicks", "impressions", "higher_is_better", True),
    "order_per_impression": MetricParts("impressed_orders", "impressions", "higher_is_better", True),
    "revenue_per_impression": MetricParts("revenue_minor", "impressions", "higher_is_better", False),
    "cart_per_click": MetricParts("clicked_carts", "clicks", "higher_is_better", False),
    "order_per_click": MetricParts("clicked_orders", "clicks", "higher_is_better", False),
    "refund_per_order": MetricParts("refunds", "orders", "lower_is_better", False),
}


class ExperimentArm(Struct, frozen=True):
    """One arm: its name, and its weight. Its share is the weight over the sum of all."""

    name: Name
    weight: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class Guardrail(Struct, frozen=True):
    """A metric that must not get worse by more than `margin` of the control's value."""

    metric: Metric
    direction: Direction
    margin: Annotated[float, Meta(ge=0)] = 0.0


class Plan(Struct, frozen=True, kw_only=True):
    """What was expected before the start, and the sizes that follow from it (inference/experiment/power.py).

    `baseline` is the control's rate, `effect` the relative change that is worth finding; `per_shopper` impressions of a
    shopper and `design_effect` how much more a shopper's outcomes vary together than if impressions were independent.
    `shoppers_fixed` and `shoppers_always_valid` are of all arms together. `variance` tunes the interval.
    """

    baseline: Open
    effect: float
    per_shopper: Annotated[float, Meta(gt=0)]
    design_effect: Annotated[float, Meta(gt=0)]
    power: Open
    shoppers_fixed: Annotated[int, Meta(ge=1)]
    shoppers_always_valid: Annotated[int, Meta(ge=1)]
    variance: Annotated[float, Meta(gt=0)]


class StoppingRule(Struct, frozen=True, kw_only=True):
    """When the experiment ends, as data.

    `alpha` is the error rate of the whole decision, shared out over the variants. No arm is judged before it has
    `min_shoppers`. With `when` = decided it ends as soon as every variant is decided, and in any case at
    `max_shoppers`; with planned_size only there. A sample ratio mismatch, or (`stop_on_harm`) a guardrail that is
    shown to be harmed, ends it at once.
    """

    alpha: Open = 0.05
    min_shoppers: Annotated[int, Meta(ge=2)] = 100
    max_shoppers: Annotated[int, Meta(ge=1)]
    when: Literal["decided", "planned_size"] = "decided"
    stop_on_harm: bool = True
    srm_alpha: Open = 0.001


class ExperimentRecord(Struct, frozen=True, kw_only=True):
    """One version of one experiment. Key of the record: NAME|VERSION, so no version replaces another.

    `time_ms`, `by` and `why` are the audit of this version. Buckets of the layer, `first` up to but not `after`, are
    given at the start. In mode `aa` every arm shows the control's copy; in mode `adaptive` the policy draws the arm
    for each decision and shares say nothing.
    """

    name: Name
    version: Annotated[int, Meta(ge=1)]
    state: State
    mode: Mode = "fixed"
    unit: Literal["shopper"] = "shopper"
    salt: Name
    layer: Name = "default"
    buckets: Annotated[int, Meta(ge=1, le=LAYER_BUCKETS)] = LAYER_BUCKETS
    first: int | None = None
    after: int | None = None
    holdout: Share = 0.0
    arms: tuple[ExperimentArm, ...]
    metric: Metric
    direction: Direction
    guardrails: tuple[Guardrail, ...] = ()
    plan: Plan
    rule: StoppingRule
    started_ms: int | None = None
    stopped_ms: int | None = None
    time_ms: int
    by: str
    why: str

    def key(self) -> str:
        """The record's key on the topic."""
        return f"{self.name}|{self.version}"

    def shares(self) -> tuple[float, ...]:
        """The arms' shares, in their order; they sum to 1."""
        total = sum(arm.weight for arm in self.arms)
        return tuple(arm.weight / total for arm in self.arms)
