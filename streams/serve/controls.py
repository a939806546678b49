"""The control arm's texts: one per product, segment and what may be said now, compiled once."""

from hashlib import blake2b

from inference.decide.facts import PRICE_SLOTS, Facts
from inference.generate.templates import template_text
from streams.broadcast.pool import Text, text_of

# Products times segments of a large shop; past that the memo starts anew rather than grow.
MEMO_ENTRIES = 200_000


class Controls:
    """Template texts, remembered for as long as the product's record is the same."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._memo: dict[tuple[str, str, bool], tuple[Facts, Text]] = {}

    def text(self, facts: Facts, segment: str, *, price_known: bool) -> Text:
        """The control's text for a product; without a price where the price may be old."""
        key = (facts.product.product_id, segment, price_known)
        found = self._memo.get(key)
        if found is not None and found[0] is facts:
            return found[1]
        slots = facts.slots if price_known else facts.slots - PRICE_SLOTS
        slot_text = template_text(facts.product.category, segment, self._channel, slots)
        digest = blake2b(f"template\x1f{slot_text}".encode(), digest_size=16).hexdigest()
        text = text_of(digest, slot_text, None, None)
        if len(self._memo) >= MEMO_ENTRIES:
            self._memo.clear()
        self._memo[key] = (facts, text)
        return text
