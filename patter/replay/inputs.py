"""What a decision was made from, out of its record, in the form in which serve takes it."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

from inference.decide.assign import CONTROL
from inference.decide.replay import Why
from schemas.decisions import EventPlace
from schemas.decode import time_ms
from schemas.errors import Code
from schemas.events import CartAdded, CartRemoved, ListViewed, ProductViewed, Searched
from schemas.ports import FeatureState
from streams.serve.gate import Asking, Trigger

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a token has room for: 48 bits of milliseconds.
LATEST_MS = 1 << 48
_KINDS: dict[str, Any] = {
    str(kind.__struct_config__.tag): kind for kind in (ProductViewed, ListViewed, Searched, CartAdded, CartRemoved)
}
_LATE = frozenset({Code.TEXT_TOO_LONG.value, Code.SLOT_UNFILLED.value})


class Inputs(Struct, frozen=True, kw_only=True):
    """The members of a record that a decision starts from, and which of the arms could not be drawn, and why.

    Features and catalogue are kept as they are spelled, so that the record can be written again byte for byte.
    """

    decision_id: str
    event_id: str
    user_id: str
    product_id: str
    time: str
    kind: str
    token: str
    event: EventPlace
    features: dict[str, Raw]
    feature_states: dict[str, FeatureState]
    feature_times_ms: dict[str, int | None]
    action: str
    segment: str
    segment_version: str
    experiment: str
    experiment_version: int
    policy_version: int
    arm: str | None
    shown: str | None
    eligible: dict[str, float]
    ineligible: dict[str, str]
    override: str | None
    copy_id: str | None
    text: str | None
    slot_text: str | None
    bundle_sha256: str | None
    prompt_id: str | None
    conversion_version: str | None = None
    channel: str
    locale: str
    worker: str
    catalogue: Raw

    def taken(self, mode: str) -> str | None:
        """The code that has to be taken from the record, if there is one: why a written text could not be shown. The
        record holds the text that was shown in its place.

        Where an experiment assigns the arm (mode `fixed`), a text of any arm that is too long has the control shown to
        the shoppers of all.
        """
        if mode == "fixed":
            late = self.arm is not None and not self.ineligible and self.override == Code.TEXT_TOO_LONG
        else:
            late = mode != "aa" and self.arm is not None and self.arm not in (CONTROL, self.shown)
        return self.override if late and self.override in _LATE else None


_decode = msgspec.json.Decoder(Inputs).decode


def inputs_of(value: bytes | None) -> Inputs | None:
    """The inputs in a record's value, or None where it is no decision."""
    try:
        found = _decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    place = found.event
    return found if 0 <= place.partition < 1 << 31 and 0 <= place.offset < 1 << 63 else None


def now_of(inputs: Inputs) -> int | None:
    """When it was decided, in ms since the epoch; None where the record's time is none."""
    try:
        moment = datetime.fromisoformat(inputs.time)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    now_ms = time_ms(moment)
    return now_ms if 0 <= now_ms < LATEST_MS else None


def trigger_of(inputs: Inputs, now_ms: int) -> Trigger | None:
    """The event that asked, as far as the decision looks at it; None where its kind asks for none."""
    kind = _KINDS.get(inputs.kind)
    if kind is None:
        return None
    event = kind(
        event_id=inputs.event_id,
        user_id=inputs.user_id,
        product_id=inputs.product_id,
        time=EPOCH + timedelta(milliseconds=now_ms),
    )
    return cast("Asking", event), inputs.event.partition, inputs.event.offset


def unfit(inputs: Inputs, *, segments: str, place: tuple[str, str]) -> Why | None:
    """Why the settings at hand are not those of the record, if so. `place` is (channel, locale)."""
    if inputs.segment_version != segments:
        return Why.OTHER_SEGMENT_RULES
    return Why.OTHER_CHANNEL if (inputs.channel, inputs.locale) != place else None
