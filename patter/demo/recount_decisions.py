"""Decisions as the recount reads them, and what is added up over all of them."""

from collections import Counter

import msgspec
from msgspec import Struct

from inference.decide.assign import CONTROL
from patter.demo.recount_figures import ratio, rounded
from patter.demo.recount_places import HOLDOUT, MODEL, NOTHING, OVERRIDDEN, TEMPLATE
from patter.demo.recount_samples import Samples, Shown
from schemas.decisions import EventPlace
from schemas.errors import Code


class Answer(Struct, frozen=True, gc=False):
    """The members of a decision record that are counted."""

    decision_id: str
    event_id: str
    product_id: str
    action: str
    segment: str | None
    eligible: dict[str, float]
    ineligible: dict[str, str]
    copy_id: str | None
    source: str | None
    text: str | None
    shown: str | None
    override: str | None
    features: dict[str, dict[str, object]]
    feature_states: dict[str, str]
    bundle_sha256: str | None
    event: EventPlace


_decoder = msgspec.json.Decoder(Answer)
_MISSES = (Code.POOL_MISS.value, Code.SLOT_UNFILLED.value)
_PRICE_BEHIND = Code.PRICE_BEHIND.value
_HOLDOUT = Code.HOLDOUT.value


def answer_of(value: bytes | None) -> Answer | None:
    """The decision in a record, or None where it does not decode."""
    try:
        return _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def bits(answer: Answer) -> int:
    """What was shown, in the bits of `recount_places`."""
    shown = MODEL if answer.source == "model" else TEMPLATE
    found = shown if answer.action == "show" else NOTHING
    if answer.override is None:
        return found
    return found | OVERRIDDEN | (HOLDOUT if answer.override == _HOLDOUT else 0)


class DecisionSums:
    """Sums over decisions, each taken once."""

    def __init__(self) -> None:
        self.samples = Samples()
        self.bundle: str | None = None
        self.hits = 0
        self.misses = 0
        self._states = dict.fromkeys(("fresh", "stale", "missing", "error"), 0)
        self._nulls = 0
        self._overrides: Counter[str] = Counter()

    def add(self, answer: Answer) -> None:
        """One decision."""
        self.hits += len(answer.eligible) - (CONTROL in answer.eligible)
        for code in answer.ineligible.values():
            if code in _MISSES:
                self.misses += 1
            elif code == _PRICE_BEHIND:
                self.hits += 1
        for state in answer.feature_states.values():
            self._states[state] = self._states.get(state, 0) + 1
        for view, values in answer.features.items():
            if None in values.values() and answer.feature_states.get(view) in ("fresh", "stale"):
                self._nulls += 1
        if answer.override is not None:
            self._overrides[answer.override] += 1
        if answer.bundle_sha256 is not None:
            self.bundle = answer.bundle_sha256
        if answer.text is not None and answer.segment is not None:
            self.samples.show(
                answer.product_id,
                answer.segment,
                Shown(answer.shown or "", answer.copy_id or "", answer.text, answer.source or ""),
            )

    def overrides(self) -> dict[str, int]:
        """Decisions by override code."""
        return dict(sorted(self._overrides.items()))

    def features(self) -> dict[str, int]:
        """The section `features`, in rows of views that decisions used.

        found: a row was there, fresh or stale. Of these, stale: older than their view's ttl; null: with a feature that
        is null. missing: no row; errors: the store did not answer.
        """
        states = self._states
        return {
            "found": states["fresh"] + states["stale"],
            "missing": states["missing"],
            "stale": states["stale"],
            "null": self._nulls,
            "errors": states["error"],
        }

    def lookups(self, entries: int, requests: int) -> dict[str, object]:
        """The section `pool`.

        A lookup is a decision's look at one arm other than the template. hits: a text was there that this product can
        carry (also where it was not shown because its price may have been old); misses: none was. requests: records
        that asked for copy; coalesced: misses that asked for nothing, because their text had been asked for.
        """
        return {
            "entries": entries,
            "hits": self.hits,
            "misses": self.misses,
            "hit_rate": rounded(ratio(self.hits, self.hits + self.misses), 4),
            "requests": requests,
            "coalesced": self.misses - requests,
        }
