"""P_conv in force as the policy writer knows it: the bundle's model, refitted now and then to what the shop's texts
did.
"""

from collections.abc import Iterable

import structlog
from msgspec import Struct

from inference.text.conversion import Conversion
from inference.text.refit import Vectors, refit
from schemas.policies import ConversionFit
from streams.kafka.records import Record
from streams.learn.copies import Copies
from streams.learn.texts import PoolTexts

log = structlog.get_logger("patter.streams.learn")


class InForce(Struct, frozen=True):
    """What a snapshot says of P_conv: the refitted weights, None for the bundle's own, and the version either way."""

    fit: ConversionFit | None
    version: str | None


NO_MODEL = InForce(None, None)


class Refitting:
    """Holds copy cells and texts, and fits where they have changed. Without a model it does nothing. One thread's."""

    def __init__(self, offline: Conversion | None, every_s: float, texts: PoolTexts) -> None:
        self._offline, self._every_s = offline, every_s
        self._vectors = Vectors(offline) if offline is not None else None
        self._copies, self._texts = Copies(), texts
        self._fitted: tuple[int, int] | None = None
        self._fitted_s = 0.0
        self.current = NO_MODEL if offline is None else InForce(None, offline.version)

    def take(self, metrics: Iterable[Record]) -> None:
        """Apply records of the topic."""
        if self._offline is None:
            return
        for record in metrics:
            self._copies.take(record)

    def renew(self, now_s: float) -> InForce:
        """P_conv as it is now. Fitted anew where cells or texts have changed, and `every_s` after the last time."""
        changes = (self._copies.version, self._texts.version)
        due = self._fitted is None or now_s - self._fitted_s >= self._every_s
        if self._offline is None or changes == self._fitted or not due:
            return self.current
        made = refit(self._offline, self._copies, self._texts.by_code(), self._vectors)
        if made.model.version != self.current.version:
            log.info("P_conv", version=made.model.version, texts=made.texts, impressions=made.impressions)
        self._fitted, self._fitted_s = changes, now_s
        self.current = InForce(made.fit(self._offline), made.model.version)
        return self.current
