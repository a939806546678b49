"""Copy to look at: one product, in each segment."""

from collections import Counter

from msgspec import Struct

# A shop's whole assortment times its segments; a product first shown after that is rare, and no sample.
MOST_PAIRS = 50_000


class Shown(Struct, frozen=True, gc=False):
    """A text as a shopper saw it."""

    variant: str
    copy_id: str
    text: str
    source: str


class Samples:
    """Remembers one text for each product and segment: the last one of the model, else of the template."""

    def __init__(self) -> None:
        self._shows: Counter[str] = Counter()
        self._texts: dict[tuple[str, str], Shown] = {}

    def show(self, product_id: str, segment: str, shown: Shown) -> None:
        """This was shown."""
        self._shows[product_id] += 1
        key = (product_id, segment)
        before = self._texts.get(key)
        if before is None:
            if len(self._texts) < MOST_PAIRS:
                self._texts[key] = shown
        elif before.source != "model" or shown.source == "model":
            self._texts[key] = shown

    def copies(self) -> list[dict[str, object]]:
        """The product that was shown with the model's copy in most segments, and most often among these; its copy in
        each segment.
        """
        segments: Counter[str] = Counter()
        for (product_id, _), shown in self._texts.items():
            segments[product_id] += 1000 * (shown.source == "model") + 1
        if not segments:
            return []
        chosen = max(segments, key=lambda product_id: (segments[product_id], self._shows[product_id], product_id))
        return [
            {
                "product_id": chosen,
                "segment": segment,
                "variant": shown.variant,
                "copy_id": shown.copy_id,
                "text": shown.text,
                "source": shown.source,
            }
            for (product_id, segment), shown in sorted(self._texts.items(), key=lambda item: item[0])
            if product_id == chosen
        ]
