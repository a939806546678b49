"""Feedback for benchmarks: shoppers who look, see copy, click, and sometimes order, with tokens that are signed."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from schemas.token import Claims, Seal, code_of, tail_of

# As the demo's audience has it, roughly: half of what comes is looks, and every fourth copy that is seen is clicked.
_LOOKS, _IMPRESSIONS, _CLICKS = 0.5, 0.85, 0.97
_CELLS = [(arm, segment, category) for arm in range(1, 5) for segment in range(1, 7) for category in range(1, 9)]
# So many texts an arm cell, of as many products: copy cells are where a batch's events do not meet.
_TEXTS = 10


class FeedbackSource:
    """Draws events at a pace of so many a second of their own time. Every shopper's first one is an impression."""

    def __init__(
        self, seed: int, key_id: int, key: bytes, shoppers: int, per_s: int = 2_000, texts: int = _TEXTS
    ) -> None:
        self._rng, self._seal = random.Random(seed), Seal(key_id, key)
        self.shoppers, self._per_s = shoppers, per_s
        self._product = "p1"
        self._tails = [
            tail_of(
                Claims(
                    decision_id=b"",
                    time_ms=0,
                    propensity=0.25,
                    holdout=False,
                    excluded=False,
                    experiment=code_of("default"),
                    policy_version=1,
                    arm=arm,
                    segment=segment,
                    category=category,
                    product=code_of(self._product),
                    copy=code_of(f"{arm}.{segment}.{category}.{text}"),
                )
            )
            for text in range(texts)
            for arm, segment, category in _CELLS
        ]

    def first(self, start_ms: int) -> Iterator[tuple[bytes, bytes]]:
        """One impression for each shopper: key and value."""
        for number in range(self.shoppers):
            yield self._event(number, number, start_ms + number * 1000 // self._per_s, "copy_impression", number)

    def mixed(self, start_ms: int, events: int) -> Iterator[tuple[bytes, bytes]]:
        """Events of any kind, of shoppers drawn evenly."""
        begun = start_ms + self.shoppers * 1000 // self._per_s
        for index in range(events):
            number, shopper = self.shoppers + index, self._rng.randrange(self.shoppers)
            moment_ms, chance = begun + index * 1000 // self._per_s, self._rng.random()
            if chance < _LOOKS:
                yield self._event(number, shopper, moment_ms, "product_viewed", None)
            elif chance < _IMPRESSIONS:
                yield self._event(number, shopper, moment_ms, "copy_impression", number)
            elif chance < _CLICKS:
                yield self._event(number, shopper, moment_ms, "copy_click", shopper)
            else:
                yield self._event(number, shopper, moment_ms, "order_placed", None)

    def live(self, start_ms: int, events: int) -> Iterator[tuple[bytes, bytes]]:
        """Looks, impressions and clicks from `start_ms` on; each impression and click is a decision's first."""
        for index in range(events):
            shopper = self._rng.randrange(self.shoppers)
            moment_ms, chance = start_ms + index * 1000 // self._per_s, self._rng.random()
            if chance < _LOOKS:
                yield self._event(index, shopper, moment_ms, "product_viewed", None)
            else:
                kind = "copy_impression" if chance < _IMPRESSIONS else "copy_click"
                yield self._event(index, shopper, moment_ms, kind, index)

    def _event(self, number: int, shopper: int, moment_ms: int, kind: str, decision: int | None) -> tuple[bytes, bytes]:
        when = datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")
        user = b"shopper-%07d" % shopper
        more = b'"product_id":"%s"' % self._product.encode()
        if kind == "order_placed":
            line = b'{"line":1,"product_id":"%s","quantity":1,"revenue_minor":1999}' % self._product.encode()
            more = b'"order_id":"o%d","currency":"USD","lines":[%s]' % (number, line)
        elif decision is not None:
            more = b'"token":"%s"' % self._token(decision, moment_ms)
        return user, b'{"kind":"%s","event_id":"f%d","user_id":"%s","time":"%s","session_id":"s%d",%s}' % (
            kind.encode(),
            number,
            user,
            when.encode(),
            shopper,
            more,
        )

    def _token(self, decision: int, moment_ms: int) -> bytes:
        name = decision.to_bytes(8, "big")
        tail = self._tails[decision % len(self._tails)]
        return self._seal.token(name + name, moment_ms.to_bytes(6, "big"), tail)
