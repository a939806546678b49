"""What was known of shopper and product: feature rows as the decision needs them and as its record keeps them.

Everything that follows from an entity's rows (segment, JSON, holdout, cap) is worked out once and remembered until one
of the rows has to be asked for again. Within that time an event costs one look-up, and the feature reader nothing.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple, cast

from msgspec import Struct
from msgspec.json import encode as encode_json

from schemas.errors import Code
from schemas.ports import FeatureValue, ViewRow

Rows = Mapping[str, Mapping[str, ViewRow]]
Values = dict[str, Mapping[str, FeatureValue] | None]


class Parts(NamedTuple):
    """What the press needs of one entity: its id as JSON, and its members of `features`, `feature_states` and
    `feature_times_ms`; of a shopper the segment (None where it depends on the product too) and why nothing is shown.

    The compiled press takes them by their place.
    """

    name: bytes
    features: bytes
    states: bytes
    times: bytes
    segment: str | None
    stop: Code | None


_UNREAD = ViewRow("missing", None, 0, b"{}")
# Entities remembered, about 1 KB each; past that the older half is forgotten.
MEMO_ENTRIES = 100_000


class Side(Struct, frozen=True, gc=False):
    """One entity's rows, put together. Good until `until_ms`, and for the batch for which it was made."""

    until_ms: int
    parts: Parts
    rows: tuple[ViewRow, ...]
    values: Values


class Waiting(Struct, frozen=True):
    """A batch's ids, what is at hand for each, the places of those for which that does not do, and `lacking`: the ids
    that stand there, each once, whose rows have to be read.
    """

    names: list[str]
    sides: list[Side | None]
    late: list[int]
    lacking: list[str]


class Sides:
    """One kind of entity: its views, and what is remembered of each id."""

    def __init__(self, views: tuple[str, ...], make: Callable[[str, Values], tuple[str | None, Code | None]]) -> None:
        self.views = views
        self._known: dict[str, Side] = {}
        self._make = make
        self._latest_ms = 0
        self._states: dict[bytes, bytes] = {}

    def begin(self, names: list[str], now_ms: int) -> Waiting:
        """What is at hand for each of a batch's ids. `finish` takes the rows of the rest."""
        if now_ms < self._latest_ms:
            # The clock was put back: nobody knows any more how long anything holds.
            self._known = {}
        self._latest_ms = now_ms
        if len(self._known) > MEMO_ENTRIES:
            # Those that came first; who is there every minute is soon back.
            self._known = dict(islice(self._known.items(), MEMO_ENTRIES // 2, None))
        sides = list(map(self._known.get, names))
        late = [place for place, side in enumerate(sides) if side is None or side.until_ms <= now_ms]
        return Waiting(names, sides, late, list(dict.fromkeys([names[place] for place in late])))

    def finish(self, waiting: Waiting, rows: Rows) -> list[Side]:
        """The side of each id, now that the rows of those that were lacking are read."""
        views = [(view, rows[view]) for view in self.views] if waiting.late else []
        for name in waiting.lacking:
            self._known[name] = self._side(name, tuple([view.get(name, _UNREAD) for _, view in views]))
        for place in waiting.late:
            waiting.sides[place] = self._known[waiting.names[place]]
        return cast("list[Side]", waiting.sides)

    def _side(self, name: str, rows: tuple[ViewRow, ...]) -> Side:
        pairs = list(zip(self.views, rows, strict=True))
        values: Values = {view: row.values for view, row in pairs}
        states = ",".join([f'"{view}":"{row.state}"' for view, row in pairs]).encode()
        parts = Parts(
            encode_json(name),
            b",".join([f'"{view}":'.encode() + row.encoded for view, row in pairs]),
            # There are few combinations; one object for each makes counting them cheap.
            self._states.setdefault(states, states),
            ",".join([f'"{view}":{row.event_ms or "null"}' for view, row in pairs]).encode(),
            *self._make(name, values),
        )
        # Without views there is nothing to ask again for.
        return Side(min((row.until_ms for row in rows), default=1 << 62), parts, rows, values)
