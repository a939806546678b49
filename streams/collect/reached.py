"""What events bring to the reach of their source, batch by batch. Nothing is written here."""

from collections.abc import Mapping, Sequence

from features.aggregates.records import Change, Written
from schemas.sketches import ALL_TIME, DISTINCT, KIND_AT, MOST_AMOUNT, Entry, Name, day_of, shopper_number


class Reached:
    """A source's sketches, and what is to be added to them. `changes` are the records of the batch that was closed."""

    def __init__(self, source: str) -> None:
        self.written = Written(source)
        self.changes: Sequence[Change] = ()
        self._noted: list[tuple[int, int, int, int, str]] = []

    def note(
        self, user_id: str, product: int, event_ms: int, high_ms: int, offset: int, amounts: Mapping[str, int]
    ) -> None:
        """What an event at `offset` brings to a decision of a shopper on a product."""
        if offset <= self.written.through:
            # Without transactions sketches may be ahead of the source's own state.
            return
        for name, amount in amounts.items():
            kind = KIND_AT.get(name)
            if kind is not None and amount > 0:
                day = day_of(event_ms, high_ms)
                self._noted.append((kind, day, product, min(amount, MOST_AMOUNT), user_id))

    def close(self, through: int, high_ms: int) -> None:
        """Count what was noted: a batch ends at this offset."""
        numbers: dict[str, int] = {}
        entries: list[Entry] = []
        for kind, day, product, amount, user_id in self._noted:
            number = numbers.get(user_id)
            if number is None:
                number = numbers[user_id] = shopper_number(user_id)
            entries.append((kind, day, product, amount, number))
        self._noted = []
        self.changes = self.written.step(entries, through, high_ms)

    def shoppers(self, kind: str) -> float:
        """How many different shoppers there were, about."""
        return self.written.reach.distinct(Name(DISTINCT, kind, ALL_TIME)).quick()

    def settle(self) -> None:
        """The batch is written down."""
        self.changes = ()
