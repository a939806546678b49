"""What generate's texts are held to while the catalogue changes: the facts of its products belong to them."""

from collections.abc import Callable
from statistics import median

from msgspec import structs

from inference.generate.judge import Standards
from inference.generate.relevance import neighbours_of
from streams.broadcast.states import States
from streams.generate.entries import Entries
from streams.generate.measure import Measure
from streams.generate.write import Surroundings

# Gathering the facts of 10,000 products takes a fifth of a second; a product that is younger than this is known to no
# other text's check yet, and no text that was learned from names it.
RENEW_MS = 10_000


class CatalogueStandards:
    """The surroundings of now: the given standards and measure, with the catalogue as it stood RENEW_MS ago at most."""

    def __init__(
        self, standards: Standards, measure: Measure, pool: Entries, states: States, now_ms: Callable[[], int]
    ) -> None:
        self._around = Surroundings(standards, measure, states.curation, pool.siblings)
        self._states, self._now_ms = states, now_ms
        self._version: int | None = None
        self._gathered_ms = 0

    def now(self) -> Surroundings:
        """What texts are held against, gathered anew where the catalogue has changed."""
        version, now_ms = self._states.catalogue_version, self._now_ms()
        due = self._version is None or now_ms - self._gathered_ms >= RENEW_MS
        if version != self._version and due:
            products = [facts.product for facts in self._states.catalogue.values()]
            stocks = [product.stock for product in products if product.stock is not None]
            around = self._around
            self._around = structs.replace(
                around,
                standards=structs.replace(around.standards, neighbours=neighbours_of(products)),
                measure=structs.replace(around.measure, usual_stock=float(median(stocks)) if stocks else 0.0),
            )
            self._version, self._gathered_ms = version, now_ms
        return self._around
