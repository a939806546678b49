"""The decision record: one event's answer, with everything it was made from.

It is written in parts. The head differs from event to event; `DecisionBody` is the same for every decision
that shows the same text of the same product to the same segment under the same policy, so it is encoded once and used
thousands of times; between them stand the features, encoded once per shopper. On the topic it is one JSON object, which
`DecisionRead` reads.
"""

from typing import Any, Literal

from msgspec import Raw, Struct


class EventPlace(Struct, frozen=True, gc=False):
    """Where the event stands on the input log."""

    topic: str
    partition: int
    offset: int


HEAD = ("decision_id", "event_id", "user_id", "time", "kind", "token", "event")
"""What is new in each decision."""

CONTEXT = ("features", "feature_states", "feature_times_ms")
"""Members between head and body: what was known of shopper and product, by view."""


class _Shared(Struct, frozen=True, kw_only=True):
    product_id: str
    category: str | None
    action: Literal["show", "none"]
    segment: str
    segment_version: str
    experiment: str
    experiment_version: int
    arm: str | None
    propensity: float | None
    eligible: dict[str, float]
    ineligible: dict[str, str]
    policy_version: int
    copy_id: str | None
    source: Literal["model", "template"] | None
    text: str | None
    slot_text: str | None
    shown: str | None
    override: str | None
    bundle_sha256: str | None
    prompt_id: str | None
    # Records of before it was there have none.
    conversion_version: str | None = None
    guard: list[str]
    channel: str
    locale: str
    excluded: bool
    worker: str


class DecisionBody(_Shared, frozen=True, kw_only=True):
    """What many decisions share.

    `eligible` maps each arm that could be chosen to its probability; `ineligible` each arm that could not to a code.
    `propensity` is that of `arm`. `override` is a code where nothing, or something else than the arm, is shown; `shown`
    is the arm whose text stands in `text` (None with action none); `excluded` says that the decision teaches nothing.
    `conversion_version` names the P_conv that ranked copy at the time, None where there is no such model. `catalogue`
    are the product facts used, as JSON that was encoded before.
    """

    catalogue: Raw


class DecisionRead(_Shared, frozen=True, kw_only=True):
    """The whole record as a reader takes it."""

    decision_id: str
    event_id: str
    user_id: str
    time: str
    kind: str
    token: str
    event: EventPlace
    features: dict[str, dict[str, Any]]
    feature_states: dict[str, Literal["fresh", "stale", "missing", "error"]]
    feature_times_ms: dict[str, int | None]
    catalogue: dict[str, Any]
