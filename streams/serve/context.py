"""What was known of shopper and product: feature rows as the decision needs them and as its record keeps them.

A reader's cache hands out the same row object until the row is read anew, so everything that follows from a shopper's
rows (segment, JSON, holdout) is remembered for as long as the very same objects come back.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.json import encode as encode_json
from msgspec.structs import replace

from schemas.ports import FeatureValue, ViewRow

Rows = Mapping[str, Mapping[str, ViewRow]]
Values = dict[str, Mapping[str, FeatureValue] | None]

# The members that are new in each decision. Ids come as JSON; the rest needs no escaping: hex, base64url, numbers, and
# times and kinds of our own.
HEAD = (
    b'{"decision_id":"%s","event_id":%s,"user_id":%s,"time":"%s","kind":"%s","token":"%s",'
    b'"event":{"topic":%s,"partition":%d,"offset":%d},'
)
_UNREAD = ViewRow("missing", None, 0, b"{}")
# Shoppers remembered, about 1 KB each; past that the memo starts anew rather than grow.
MEMO_ENTRIES = 100_000


class Side(Struct, frozen=True, gc=False):
    """One entity's rows, put together: values by view, its name and members of JSON objects for the record."""

    rows: tuple[ViewRow, ...]
    name: bytes
    values: Values
    features: bytes
    states: bytes
    times: bytes
    segment: str
    held_out: bool


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
        self._present: dict[str, Side] = {}
        self._present_products: dict[str, Side] = {}
        comma = b"," if self._user_views and self._product_views else b""
        pair = b"%s" + comma + b"%s"
        self._form = (
            b'"features":{' + pair + b'},"feature_states":{' + pair + b'},"feature_times_ms":{' + pair + b"},%s"
        )
        self._form = HEAD + self._form
        self._user_rows: list[Mapping[str, ViewRow]] = []
        self._product_rows: list[Mapping[str, ViewRow]] = []

    def begin(self, rows: Rows) -> None:
        """A batch with these rows."""
        self._user_rows = [rows[view] for view in self._user_views]
        self._product_rows = [rows[view] for view in self._product_views]
        self._present, self._present_products = {}, {}

    def shopper(self, user_id: str) -> Side:
        """What is known of a shopper."""
        found = self._present.get(user_id)
        if found is None:
            rows = tuple([view.get(user_id, _UNREAD) for view in self._user_rows])
            found = _known(self._shoppers.get(user_id), rows)
            if found is None:
                found = self._remember(self._shoppers, user_id, self._shopper_side(user_id, rows))
            self._present[user_id] = found
        return found

    def product(self, product_id: str) -> Side:
        """What is known of a product."""
        found = self._present_products.get(product_id)
        if found is None:
            rows = tuple([view.get(product_id, _UNREAD) for view in self._product_rows])
            found = _known(self._products.get(product_id), rows)
            if found is None:
                found = self._remember(self._products, product_id, _side(product_id, self._product_views, rows))
            self._present_products[product_id] = found
        return found

    def segment(self, shopper: Side, product: Side) -> str:
        """The shopper's segment."""
        if self._with_product:
            return self._segment_of({**shopper.values, **product.values})
        return shopper.segment

    def record(self, head: tuple[object, ...], shopper: Side, product: Side, body: bytes) -> bytes:
        """The whole record: the head's nine values for `HEAD`, what was known, and the body from its first member on.

        What was known is `features`, `feature_states` and `feature_times_ms`: the times at which the values were true,
        null where unknown; the age is the decision's time less them.
        """
        return self._form % (
            *head,
            shopper.features,
            product.features,
            shopper.states,
            product.states,
            shopper.times,
            product.times,
            body,
        )

    def _shopper_side(self, name: str, rows: tuple[ViewRow, ...]) -> Side:
        made = _side(name, self._user_views, rows)
        segment = "" if self._with_product else self._segment_of(made.values)
        return replace(made, segment=segment, held_out=self._held_out(name))

    @staticmethod
    def _remember(memo: dict[str, Side], name: str, side: Side) -> Side:
        if len(memo) >= MEMO_ENTRIES:
            memo.clear()
        memo[name] = side
        return side


def _known(known: Side | None, rows: tuple[ViewRow, ...]) -> Side | None:
    """What was remembered, if it follows from the very same rows."""
    if known is None:
        return None
    for row, before in zip(rows, known.rows, strict=True):
        if row is not before:
            return None
    return known


def _side(name: str, views: tuple[str, ...], rows: tuple[ViewRow, ...]) -> Side:
    pairs = list(zip(views, rows, strict=True))
    return Side(
        rows,
        encode_json(name),
        {view: row.values for view, row in pairs},
        b",".join([f'"{view}":'.encode() + row.encoded for view, row in pairs]),
        ",".join([f'"{view}":"{row.state}"' for view, row in pairs]).encode(),
        ",".join([f'"{view}":{row.event_ms or "null"}' for view, row in pairs]).encode(),
        "",
        held_out=False,
    )
