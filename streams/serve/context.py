"""What was known of shopper and product: feature rows as the decision needs them and as its record keeps them.

A reader's cache hands out the same row object until the row is read anew, so everything that follows from a shopper's
rows (segment, JSON, holdout) is remembered for as long as the very same objects come back. Ages follow from the time of
the batch, so they are written once per batch and shopper.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from schemas.ports import FeatureValue, ViewRow

Rows = Mapping[str, Mapping[str, ViewRow]]
Values = dict[str, Mapping[str, FeatureValue] | None]

_UNREAD = ViewRow("missing", None, 0, b"{}")
# Shoppers remembered, about 1 KB each; past that the memo starts anew rather than grow.
MEMO_ENTRIES = 100_000


class Side(Struct, frozen=True, gc=False):
    """One entity's rows, put together: values by view, and members of JSON objects for the record."""

    rows: tuple[ViewRow, ...]
    values: Values
    features: bytes
    states: bytes
    segment: str
    held_out: bool


class Present(Struct, frozen=True, gc=False):
    """A side in a batch: with the ages that its rows have now."""

    side: Side
    ages: bytes


class ContextReader:
    """Puts rows together and remembers them. `views` are (name, join key) in the service's order.

    `segment_of` answers from the shopper's own views; where its rules also look at the product's, `with_product` makes
    it be asked for each event. `begin` is called for each batch, before anything else.
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
        self._segment_of, self._held_out, self._with_product = segment_of, held_out, with_product
        self._shoppers: dict[str, Side] = {}
        self._products: dict[str, Side] = {}
        self._present: dict[str, Present] = {}
        self._present_products: dict[str, Present] = {}
        comma = b"," if self._user_views and self._product_views else b""
        pair = b"%s" + comma + b"%s"
        self._form = b',"features":{' + pair + b'},"feature_states":{' + pair + b'},"feature_ages_s":{' + pair + b"},"
        self._rows: Rows = {}
        self._now_ms = 0

    def begin(self, rows: Rows, now_ms: int) -> None:
        """A batch with these rows, at this moment."""
        self._rows, self._now_ms = rows, now_ms
        self._present, self._present_products = {}, {}

    def shopper(self, user_id: str) -> Present:
        """What is known of a shopper."""
        found = self._present.get(user_id)
        if found is None:
            side = self._side(self._shoppers, self._user_views, user_id, self._shopper_side)
            found = self._present[user_id] = Present(side, self._ages(self._user_views, side))
        return found

    def product(self, product_id: str) -> Present:
        """What is known of a product."""
        found = self._present_products.get(product_id)
        if found is None:
            side = self._side(self._products, self._product_views, product_id, _product_side)
            found = self._present_products[product_id] = Present(side, self._ages(self._product_views, side))
        return found

    def segment(self, shopper: Side, product: Side) -> str:
        """The shopper's segment."""
        if self._with_product:
            return self._segment_of({**shopper.values, **product.values})
        return shopper.segment

    def record(self, shopper: Present, product: Present) -> bytes:
        """The members `features`, `feature_states` and `feature_ages_s` of the record, with a comma on either side.

        Ages are whole seconds, null where unknown.
        """
        one, other = shopper.side, product.side
        return self._form % (one.features, other.features, one.states, other.states, shopper.ages, product.ages)

    def _side(
        self,
        memo: dict[str, Side],
        views: tuple[str, ...],
        name: str,
        make: Callable[[str, tuple[str, ...], tuple[ViewRow, ...]], Side],
    ) -> Side:
        rows = tuple([self._rows[view].get(name, _UNREAD) for view in views])
        known = memo.get(name)
        if known is not None:
            for row, before in zip(rows, known.rows, strict=True):
                if row is not before:
                    break
            else:
                return known
        if len(memo) >= MEMO_ENTRIES:
            memo.clear()
        made = memo[name] = make(name, views, rows)
        return made

    def _shopper_side(self, name: str, views: tuple[str, ...], rows: tuple[ViewRow, ...]) -> Side:
        values: Values = {view: row.values for view, row in zip(views, rows, strict=True)}
        segment = "" if self._with_product else self._segment_of(values)
        return _made(views, rows, values, segment, held_out=self._held_out(name))

    def _ages(self, views: tuple[str, ...], side: Side) -> bytes:
        now = self._now_ms
        parts = [
            f'"{view}":{(now - row.event_ms) // 1000}' if row.event_ms else f'"{view}":null'
            for view, row in zip(views, side.rows, strict=True)
        ]
        return ",".join(parts).encode()


def _product_side(name: str, views: tuple[str, ...], rows: tuple[ViewRow, ...]) -> Side:  # noqa: ARG001
    return _made(views, rows, {view: row.values for view, row in zip(views, rows, strict=True)}, "", held_out=False)


def _made(views: tuple[str, ...], rows: tuple[ViewRow, ...], values: Values, segment: str, *, held_out: bool) -> Side:
    pairs = list(zip(views, rows, strict=True))
    return Side(
        rows,
        values,
        b",".join([f'"{view}":'.encode() + row.encoded for view, row in pairs]),
        ",".join([f'"{view}":"{row.state}"' for view, row in pairs]).encode(),
        segment,
        held_out,
    )
