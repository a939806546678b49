"""What is remembered of one shopper: decisions with touches, decisions that were answered, recent activity, and what
rules on bots watch.

Kept as bytes, which are also what the state topic holds: a shopper is some 200 of them, where objects would take
thousands. It is opened for an event and closed again.
"""

from collections.abc import Iterator
from struct import Struct as Packing

import msgspec
from msgspec import Struct

from streams.collect.numbered import NOWHERE
from streams.collect.rules import CLICK_MS, IMPRESSION_MS, TOKEN_MS, TOUCHES
from streams.collect.sums import forget
from streams.collect.watch import Watch

SEEN, CLICKED, CARTED, ORDERED = 1, 2, 4, 8
"""What is known of a decision, as bits."""

# A decision without touches: id, time, bits, arm, copy, pair, product, weight.
_BARE = Packing(">QqBiiiIQ")
_NO_TOUCH = -1


class Decision(Struct, array_like=True, gc=False):
    """A decision that a shopper answered. `id` is the first 8 bytes of its own; product and sessions are 32-bit codes.

    `arm`, `copy` and `pair` are numbers of cells, `weight` is that of its propensity. Times of touches count from the
    decision, in ms; an offset of -1 says that there is no such touch.
    """

    id: int
    decided_ms: int
    arm: int
    product: int
    bits: int = 0
    seen_ms: int = 0
    seen_offset: int = _NO_TOUCH
    seen_session: int = 0
    clicked_ms: int = 0
    clicked_offset: int = _NO_TOUCH
    clicked_session: int = 0
    copy: int = NOWHERE
    pair: int = NOWHERE
    weight: int = 0

    def see(self, event_ms: int, offset: int, session: int) -> None:
        """The touch of an impression."""
        self.seen_ms, self.seen_offset, self.seen_session = event_ms - self.decided_ms, offset, session

    def click(self, event_ms: int, offset: int, session: int) -> None:
        """The touch of a click."""
        self.clicked_ms, self.clicked_offset, self.clicked_session = event_ms - self.decided_ms, offset, session


class Touch(Struct, frozen=True, gc=False):
    """An impression or a click that an order may be an answer to. Ordered by time, then offset."""

    at: tuple[int, int]
    click: bool
    session: int
    decision: Decision


class Shopper(Struct, array_like=True):
    """One shopper. `slots` and `order_days` belong to activity.py, `brought` to sums.py. `rest` is of an older state,
    and not read; what it held is in `bare` now.
    """

    held: list[Decision] = []
    rest: bytes = b""
    slots: list[list[int]] = []
    order_days: list[list[int]] = []
    category: str | None = None
    watch: Watch | None = None
    brought: list[list[int]] = []
    bare: bytes = b""

    def known(self, number: int, high_ms: int) -> Decision | None:
        """The decision of this id, to be marked; `close` puts it away again. None where it is not known, or not any
        more: one whose own token has ended may still have touches, and is answered by orders alone.
        """
        oldest = high_ms - TOKEN_MS
        for decision in self.held:
            if decision.id == number and decision.decided_ms >= oldest:
                return decision
        for at in range(0, len(self.bare), _BARE.size):
            found, decided_ms, bits, arm, copy, pair, product, weight = _BARE.unpack_from(self.bare, at)
            if found == number and decided_ms >= oldest:
                self.bare = self.bare[:at] + self.bare[at + _BARE.size :]
                decision = Decision(found, decided_ms, arm, product, bits=bits, copy=copy, pair=pair, weight=weight)
                self.held.append(decision)
                return decision
        return None

    def touches(self) -> list[Touch]:
        """Every touch that is remembered."""
        return [touch for decision in self.held for touch in _touches(decision)]

    def answered(self, product: int, order_ms: int) -> Touch | None:
        """The touch that an order line of this product at this time is an answer to."""
        for click, window in ((True, CLICK_MS), (False, IMPRESSION_MS)):
            fitting = [
                touch
                for touch in self.touches()
                if touch.click is click
                and touch.decision.product == product
                and order_ms - window <= touch.at[0] <= order_ms
            ]
            if fitting:
                return max(fitting, key=lambda touch: touch.at)
        return None

    def close(self, high_ms: int, lateness_ms: int) -> None:
        """Keep the newest touches, and of other decisions the bits, as long as they can matter."""
        # An order may be as late as is allowed, and answer a click that lies a window before it.
        oldest = high_ms - lateness_ms - CLICK_MS
        number, is_old, is_bare = 0, False, False
        # Every event closes a shopper, and almost none has anything to forget: one look, and nothing made for it.
        for decision in self.held:
            seen, clicked = decision.seen_offset != _NO_TOUCH, decision.clicked_offset != _NO_TOUCH
            number += seen + clicked
            is_old = is_old or (
                (seen and decision.decided_ms + decision.seen_ms < oldest)
                or (clicked and decision.decided_ms + decision.clicked_ms < oldest)
            )
            is_bare = is_bare or not (seen or clicked)
        if number > TOUCHES or is_old:
            touches = sorted(self.touches(), key=lambda touch: touch.at, reverse=True)
            for place, touch in enumerate(touches):
                if place >= TOUCHES or touch.at[0] < oldest:
                    _forget(touch)
            is_bare = True
        if is_bare:
            for decision in self.held:
                if _is_bare(decision):
                    self.bare += _packed(decision)
            self.held = [decision for decision in self.held if not _is_bare(decision)]
        self.rest = b""
        self._forget_expired(high_ms)
        self.brought = forget(self.brought, high_ms)

    def _forget_expired(self, high_ms: int) -> None:
        kept = [entry for entry in _BARE.iter_unpack(self.bare) if entry[1] >= high_ms - TOKEN_MS]
        if len(kept) * _BARE.size < len(self.bare):
            self.bare = b"".join([_BARE.pack(*entry) for entry in kept])

    def is_empty(self) -> bool:
        """Whether nothing of it is worth remembering."""
        return not (self.held or self.bare or self.slots or self.order_days or self.watch or self.brought)


def _touches(decision: Decision) -> Iterator[Touch]:
    if decision.seen_offset != _NO_TOUCH:
        at = (decision.decided_ms + decision.seen_ms, decision.seen_offset)
        yield Touch(at, False, decision.seen_session, decision)
    if decision.clicked_offset != _NO_TOUCH:
        at = (decision.decided_ms + decision.clicked_ms, decision.clicked_offset)
        yield Touch(at, True, decision.clicked_session, decision)


def _forget(touch: Touch) -> None:
    if touch.click:
        touch.decision.click(touch.decision.decided_ms, _NO_TOUCH, 0)
    else:
        touch.decision.see(touch.decision.decided_ms, _NO_TOUCH, 0)


def _packed(decision: Decision) -> bytes:
    where = decision.arm, decision.copy, decision.pair, decision.product
    return _BARE.pack(decision.id, decision.decided_ms, decision.bits, *where, decision.weight)


def _is_bare(decision: Decision) -> bool:
    return decision.seen_offset == _NO_TOUCH and decision.clicked_offset == _NO_TOUCH


_decoder = msgspec.msgpack.Decoder(Shopper)
_encoder = msgspec.msgpack.Encoder()


def opened(data: bytes | None) -> Shopper:
    """A shopper from its bytes; a new one where there are none."""
    return Shopper() if data is None else _decoder.decode(data)


def closed(shopper: Shopper) -> bytes:
    """A shopper as bytes."""
    return _encoder.encode(shopper)
