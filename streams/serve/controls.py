"""The control arm's texts: one per product, segment and what may be said now, compiled once."""

from inference.decide.facts import PRICE_SLOTS, Facts
from inference.generate.brand import BrandRules, breaches, house_style
from inference.generate.copyset import copy_id
from inference.generate.render import compile_text, render, slots_in
from inference.generate.templates import template_text, template_texts
from streams.broadcast.pool import Text, text_of

# Products times segments of a large shop; past that the memo starts anew rather than grow.
MEMO_ENTRIES = 200_000


class Controls:
    """Template texts in the brand's style, remembered for as long as the product's record is the same."""

    def __init__(self, channel: str, rules: BrandRules) -> None:
        self._channel, self._rules = channel, rules
        self._free = rules == BrandRules()
        self._memo: dict[tuple[str, str, bool], tuple[Facts, Text]] = {}

    def text(self, facts: Facts, segment: str, *, price_known: bool) -> Text:
        """The control's text for a product; without a price where the price may be old.

        Where no template keeps the brand's rules it is the first in the brand's style: there is always a control.
        """
        key = (facts.product.product_id, segment, price_known)
        found = self._memo.get(key)
        if found is not None and found[0] is facts:
            return found[1]
        slots = facts.slots if price_known else facts.slots - PRICE_SLOTS
        slot_text = template_text(facts.product.category, segment, self._channel, slots)
        if not self._free:
            slot_text = self._keeping(facts, segment, slots, slot_text)
        text = text_of(copy_id("template", slot_text), slot_text, None, None)
        if len(self._memo) >= MEMO_ENTRIES:
            self._memo.clear()
        self._memo[key] = (facts, text)
        return text

    def _keeping(self, facts: Facts, segment: str, slots: frozenset[str], usual: str) -> str:
        for text in template_texts(segment, self._channel):
            if slots_in(text) <= slots:
                styled = house_style(text, self._channel, self._rules)
                shown = render(compile_text(styled), facts.values)
                if shown is not None and not breaches(styled, shown, self._channel, self._rules):
                    return styled
        return house_style(usual, self._channel, self._rules)
