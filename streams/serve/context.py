"""What was known of shopper and product: feature rows as the decision needs them and as its record keeps them.

Everything that follows from an entity's rows (segment, JSON, holdout, cap) is worked out once and remembered until one
of the rows has to be asked for again. Within that time an event costs one look-up, and the feature reader nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, cast

from msgspec import Struct
from msgspec.json import encode as encode_json

from schemas.errors import Code
from schemas.ports import FeatureValue, ViewRow
from streams.serve import native
from streams.serve.gate import Trigger

Rows = Mapping[str, Mapping[str, ViewRow]]
Values = dict[str, Mapping[str, FeatureValue] | None]
Make = Callable[[str, Values], tuple[str | None, Code | None]]
"""From an id and its values: a shopper's segment, and why nothing is shown."""

AtHand = tuple[list[str], list["Side | None"], list[int]]


class Basis(Struct, frozen=True, gc=False):
    """What a side follows from. Few events need it."""

    rows: tuple[ViewRow, ...]
    values: Values


class Side(NamedTuple):
    """One entity's rows, put together. Good until `until_ms`, and for the batch for which it was made.

    First what the press needs: its id as JSON, and its members of `features`, `feature_states` and `feature_times_ms`;
    of a shopper the name of the menus (None where it depends on the product too) and why nothing is shown. The compiled
    half takes them by their place.
    """

    name: bytes
    features: bytes
    states: bytes
    times: bytes
    segment: str | None
    stop: Code | None
    until_ms: int
    basis: Basis


_UNREAD = ViewRow("missing", None, 0, b"{}")
_FOREVER = (1 << 63) - 1
# Entities remembered, about 1 KB each; past that the older half is forgotten.
MEMO_ENTRIES = 100_000


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

    def __init__(
        self, key: str, views: tuple[str, ...], make: Callable[[str, Values], tuple[str | None, Code | None]]
    ) -> None:
        self._key, self.views = key, views
        self._known: dict[str, Side] = {}
        self._make = make
        self._at_hand: Callable[..., AtHand] = native.module.at_hand if native.compiled() else at_hand
        self._latest_ms = 0
        self._states: dict[bytes, bytes] = {}

    def forget(self) -> None:
        """What follows from an entity's rows is not what it was."""
        self._known = {}

    def begin(self, triggers: Sequence[Trigger], now_ms: int) -> Waiting:
        """What is at hand for each event's entity. `finish` takes the rows of the rest."""
        if now_ms < self._latest_ms:
            # The clock was put back: nobody knows any more how long anything holds.
            self._known = {}
        self._latest_ms = now_ms
        if len(self._known) > MEMO_ENTRIES:
            # Those that came first; who is there every minute is soon back.
            self._known = dict(islice(self._known.items(), MEMO_ENTRIES // 2, None))
        names, sides, late = self._at_hand(self._known, triggers, self._key, now_ms)
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
        return Side(
            encode_json(name),
            b",".join([f'"{view}":'.encode() + row.encoded for view, row in pairs]),
            # There are few combinations; one object for each makes counting them cheap.
            self._states.setdefault(states, states),
            ",".join([f'"{view}":{row.event_ms or "null"}' for view, row in pairs]).encode(),
            *self._make(name, values),
            # Without views there is nothing to ask again for.
            min((row.until_ms for row in rows), default=_FOREVER),
            Basis(rows, values),
        )


def at_hand(known: dict[str, Side], triggers: Sequence[Trigger], key: str, now_ms: int) -> AtHand:
    """The ids that events have under `key`, the side that is remembered of each, and where it will not do."""
    names = [getattr(event, key) for event, _, _ in triggers]
    sides = list(map(known.get, names))
    return names, sides, [place for place, side in enumerate(sides) if side is None or side.until_ms <= now_ms]
