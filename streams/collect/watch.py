"""What a shopper did lately, as far as the rules that watch need it. docs/agents.md is the law; no clock.

It looks at kinds, times and tokens of events alone, and not at what was counted of them: whoever is tagged is watched
on, so that a tag never depends on an earlier one.
"""

from collections.abc import Sequence

from msgspec import Struct

from schemas.agents import WATCHED_MS, WatchRule
from schemas.cells import SECOND_MS
from schemas.events import CartAdded, CopyClick, CopyImpression, Event, ListViewed, ProductViewed
from schemas.token import code_of

_Acts = ProductViewed | ListViewed | CartAdded | CopyClick
NEVER = -1


class Tripwire(Struct, array_like=True, gc=False):
    """One rule's: the newest window (its number), the count in it, and the greatest time at which it was too high."""

    window: int = NEVER
    count: int = 0
    tripped_ms: int = NEVER


class Watch(Struct, array_like=True):
    """A shopper's. `span` is the number of the rules that all of this is about; `act_ms` the newest act; `seen` the
    code of the token of the impression that came last, and `seen_ms` its time.
    """

    span: int = 0
    act_ms: int = NEVER
    seen: int = 0
    seen_ms: int = NEVER
    wires: list[Tripwire] = []


def watched(event: Event) -> bool:
    """Whether rules look at events of this kind."""
    return isinstance(event, _Acts | CopyImpression)


def note(watch: Watch, event: Event, moment_ms: int, rules: Sequence[WatchRule]) -> None:
    """Take note of a watched event that lies no more than WATCHED_MS behind high."""
    watch.wires = watch.wires or [Tripwire() for _ in rules]
    for rule, wire in zip(rules, watch.wires, strict=True):
        weight = _weight(watch, event, moment_ms, rule)
        window = moment_ms // rule.window_ms
        if not weight or window < wire.window:
            continue
        wire.count = weight + (wire.count if window == wire.window else 0)
        wire.window = window
        if weight > 0 and wire.count > rule.over:
            wire.tripped_ms = max(wire.tripped_ms, moment_ms)
    if isinstance(event, CopyImpression):
        watch.seen, watch.seen_ms = code_of(event.token), moment_ms
    else:
        watch.act_ms = max(watch.act_ms, moment_ms)


def tag(watch: Watch, moment_ms: int, rules: Sequence[WatchRule]) -> str | None:
    """The rule that tags an event of this shopper at this time, if one does."""
    for rule, wire in zip(rules, watch.wires, strict=False):
        if wire.tripped_ms != NEVER and moment_ms <= wire.tripped_ms + rule.hold_ms:
            return rule.name
    return None


def is_idle(watch: Watch, high_ms: int, lateness_ms: int, rules: Sequence[WatchRule]) -> bool:
    """Whether nothing of it can matter to an event that may still come."""
    horizon_ms = high_ms - WATCHED_MS
    if watch.act_ms >= horizon_ms or watch.seen_ms >= horizon_ms - max((rule.within_ms for rule in rules), default=0):
        return False
    return all(
        (wire.window + 1) * rule.window_ms <= horizon_ms
        and (wire.tripped_ms == NEVER or wire.tripped_ms + rule.hold_ms < high_ms - lateness_ms)
        for rule, wire in zip(rules, watch.wires, strict=False)
    )


def _weight(watch: Watch, event: Event, moment_ms: int, rule: WatchRule) -> int:
    if isinstance(event, CopyImpression):
        return -int(rule.counts == "clicks_unseen")
    # What is delivered twice, and what a page tells of one moment, is one act.
    if moment_ms <= watch.act_ms:
        return 0
    if rule.counts == "acts":
        return 1
    if rule.counts == "clicks_unseen":
        return int(isinstance(event, CopyClick))
    # Where a tracker tells the time in whole seconds, two events of one second say nothing about speed.
    return int(
        isinstance(event, CopyClick)
        and 0 <= moment_ms - watch.seen_ms < rule.within_ms
        and moment_ms % SECOND_MS != 0
        and code_of(event.token) == watch.seen
    )
