"""The decision record: one event's answer, with everything it was made from."""

from typing import Any, Literal

from msgspec import Raw, Struct


class EventPlace(Struct, frozen=True):
    """Where the event stands on the input log."""

    topic: str
    partition: int
    offset: int


class Decision(Struct, frozen=True, kw_only=True):
    """What was decided for one event.

    `eligible` maps each arm that could be chosen to its probability; `ineligible` each arm that could not to a code.
    `propensity` is that of `arm`. `override` is a code where nothing, or something else than the arm, is shown;
    `shown` is the arm whose text stands in `text` (None with action none). `features`, `feature_states` and
    `feature_ages_s` are what was known of shopper and product, by view; `catalogue` the product facts used. Members of
    type Raw are JSON that was encoded once and is reused.
    """

    decision_id: str
    event_id: str
    user_id: str
    product_id: str
    category: str | None
    time: str
    action: Literal["show", "none"]
    segment: str | None
    segment_version: str
    experiment: str
    experiment_version: int
    arm: str | None
    propensity: float | None
    eligible: Raw
    ineligible: Raw
    policy_version: int | None
    copy_id: str | None
    source: Literal["model", "template"] | None
    text: str | None
    slot_text: str | None
    token: str
    shown: str | None
    override: str | None
    catalogue: Raw
    features: Raw
    feature_states: Raw
    feature_ages_s: Raw
    bundle_sha256: str | None
    prompt_id: str | None
    guard: list[str]
    event: EventPlace
    kind: str
    channel: str
    locale: str
    excluded: bool
    worker: str


class DecisionRead(Struct, frozen=True, kw_only=True):
    """The same record as a reader takes it: plain values where `Decision` carries encoded ones."""

    decision_id: str
    event_id: str
    user_id: str
    product_id: str
    category: str | None
    time: str
    action: Literal["show", "none"]
    segment: str | None
    segment_version: str
    experiment: str
    experiment_version: int
    arm: str | None
    propensity: float | None
    eligible: dict[str, float]
    ineligible: dict[str, str]
    policy_version: int | None
    copy_id: str | None
    source: Literal["model", "template"] | None
    text: str | None
    slot_text: str | None
    token: str
    shown: str | None
    override: str | None
    catalogue: dict[str, Any]
    features: dict[str, dict[str, Any]]
    feature_states: dict[str, Literal["fresh", "stale", "missing", "error"]]
    feature_ages_s: dict[str, float | None]
    bundle_sha256: str | None
    prompt_id: str | None
    guard: list[str]
    event: EventPlace
    kind: str
    channel: str
    locale: str
    excluded: bool
    worker: str
