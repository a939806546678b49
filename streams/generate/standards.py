"""What generate's texts are held to while the catalogue changes: the facts of its products belong to them."""

from collections.abc import Callable

from msgspec import structs

from inference.generate.judge import Standards
from inference.generate.relevance import neighbours_of
from streams.broadcast.states import States

# Gathering the facts of 10,000 products takes a fifth of a second; a product that is younger than this is known to no
# other text's check yet, and no text that was learned from names it.
RENEW_MS = 10_000


class CatalogueStandards:
    """The standards of now: the given ones, and the catalogue's facts as they stood RENEW_MS ago at most."""

    def __init__(self, standards: Standards, states: States, now_ms: Callable[[], int]) -> None:
        self._standards, self._states, self._now_ms = standards, states, now_ms
        self._version: int | None = None
        self._gathered_ms = 0

    def now(self) -> Standards:
        """The standards, their facts gathered anew where the catalogue has changed."""
        version, now_ms = self._states.catalogue_version, self._now_ms()
        due = self._version is None or now_ms - self._gathered_ms >= RENEW_MS
        if version != self._version and due:
            known = neighbours_of(facts.product for facts in self._states.catalogue.values())
            self._standards = structs.replace(self._standards, neighbours=known)
            self._version, self._gathered_ms = version, now_ms
        return self._standards
