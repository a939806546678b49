"""What was known of shopper and product: feature rows as the decision needs them and as its record keeps them.

A reader's cache hands out the same row object until the row is read anew, so everything that follows from a shopper's
rows (segment, JSON, holdout) is remembered for as long as the very same objects come back.
"""

from collections.abc import Callable, Mapping

from msgspec import Raw, Struct

from schemas.ports import FeatureValue, ViewRow

Rows = Mapping[str, Mapping[str, ViewRow]]
Values = dict[str, Mapping[str, FeatureValue] | None]

_UNREAD = ViewRow("missing", None, 0, b"{}")
# Shoppers remembered, about 1 KB each; past that the memo starts anew rather than grow.
MEMO_ENTRIES = 100_000


class Side(Struct, frozen=True, gc=False):
    """One entity's rows, put together: values by view, members of three JSON objects, and when the values were true."""

    rows: tuple[ViewRow, ...]
    values: Values
    features: bytes
    states: str
    event_ms: tuple[int, ...]


class Shopper(Struct, frozen=True, gc=False):
    """What follows from a shopper's rows and name alone."""

    side: Side
    segment: str
    held_out: bool


class ContextReader:
    """Puts rows together and remembers them. `views` are (name, join key) in the service's order.

    `segment_of` answers from the shopper's own views; where its rules also look at the product's, `with_product` makes
    it be asked for each event.
    """

    def __init__(
        self,
        views: tuple[tuple[str, str], ...],
        segment_of: Callable[[Values], str],
        held_out: Callable[[str], bool],
        *,
        with_product: bool,
    ) -> None:
        self._user_views = tuple(name for name, key in views if key == "user_id")
        self._product_views = tuple(name for name, key in views if key == "product_id")
        self._labels = tuple(f'"{name}":' for name in (*self._user_views, *self._product_views))
        self._segment_of, self._held_out, self._with_product = segment_of, held_out, with_product
        self._shoppers: dict[str, Shopper] = {}
        self._products: dict[str, Side] = {}
        self._states: dict[tuple[str, str], Raw] = {}

    def shopper(self, rows: Rows, user_id: str) -> Shopper:
        """What is known of a shopper."""
        known = self._shoppers.get(user_id)
        found = tuple(rows[view].get(user_id, _UNREAD) for view in self._user_views)
        if known is not None and all(map(_same, found, known.side.rows)):
            return known
        side = _side(self._user_views, found)
        if len(self._shoppers) >= MEMO_ENTRIES:
            self._shoppers.clear()
        known = self._shoppers[user_id] = Shopper(side, self._segment_of(side.values), self._held_out(user_id))
        return known

    def product(self, rows: Rows, product_id: str) -> Side:
        """What is known of a product."""
        known = self._products.get(product_id)
        found = tuple(rows[view].get(product_id, _UNREAD) for view in self._product_views)
        if known is not None and all(map(_same, found, known.rows)):
            return known
        if len(self._products) >= MEMO_ENTRIES:
            self._products.clear()
        known = self._products[product_id] = _side(self._product_views, found)
        return known

    def segment(self, shopper: Shopper, product: Side) -> str:
        """The shopper's segment."""
        if self._with_product:
            return self._segment_of({**shopper.side.values, **product.values})
        return shopper.segment

    def record(self, shopper: Side, product: Side, now_ms: int) -> tuple[Raw, Raw, Raw]:
        """`features`, `feature_states` and `feature_ages_s` (whole seconds, null where unknown) of the record."""
        parts = [part for part in (shopper.features, product.features) if part]
        ages = ",".join(
            f"{label}{(now_ms - moment) // 1000}" if moment else f"{label}null"
            for label, moment in zip(self._labels, shopper.event_ms + product.event_ms, strict=True)
        )
        key = (shopper.states, product.states)
        states = self._states.get(key)
        if states is None:
            joined = ",".join(part for part in key if part)
            states = self._states[key] = Raw(f"{{{joined}}}".encode())
        return Raw(b"{" + b",".join(parts) + b"}"), states, Raw(f"{{{ages}}}".encode())


def _same(one: object, other: object) -> bool:
    return one is other


def _side(views: tuple[str, ...], rows: tuple[ViewRow, ...]) -> Side:
    pairs = list(zip(views, rows, strict=True))
    return Side(
        rows,
        {view: row.values for view, row in pairs},
        b",".join(f'"{view}":'.encode() + row.encoded for view, row in pairs),
        ",".join(f'"{view}":"{row.state}"' for view, row in pairs),
        tuple(row.event_ms for row in rows),
    )
