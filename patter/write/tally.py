"""What a run came to, counted as it goes on."""

from collections import Counter
from collections.abc import Sequence

from inference.generate.copyset import CopySet
from patter.write.items import failures_of, item


class Tally:
    """Verdicts, templates, failures, and the items of the result where one is wanted."""

    def __init__(self, *, keep_items: bool) -> None:
        self._keep = keep_items
        self.items: list[dict[str, object]] = []
        self.failures: list[str] = []
        self.verdicts: Counter[str] = Counter()
        self.templates = 0

    def add(self, sets: Sequence[CopySet]) -> None:
        """Take in the sets of a product."""
        for copies in sets:
            self.failures.extend(failures_of(copies))
            self.verdicts.update(variant.verdict for variant in copies.variants)
            self.templates += sum(variant.source == "template" for variant in copies.variants)
            if self._keep:
                self.items.append(item(copies))
