"""What brings most, in bounded memory: frequent items of Apache DataSketches.

Misra and Gries 1982, "Finding repeated elements", with weights (Anderson, Bevan, Lang, Liberty, Rhodes and Thaler 2017,
"A high-performance algorithm for identifying frequent items in data streams", doi 10.1145/3131365.3131407). Bounds are
certain, not likely: an item's true amount lies between `low` and `high`, always.
"""

from collections.abc import Callable, Sequence

import datasketches
from msgspec import Struct

# 768 items are held exactly until there are more; past that no bound is wider than 0.34 % of all that was added, so
# whatever brings more than that is found. It is also the greatest of which a purge looks at every counter (it samples
# 1,024): what is held is then a function of what was added in which order, and restoring it from bytes changes nothing.
LG = 10
HELD = 3 * 2**LG // 4
WIDEST = float(datasketches.frequent_items_sketch.get_epsilon_for_lg_size(LG))
"""The greatest distance between the bounds, as a share of the total: 3.5 / 1024."""
_NUMBERS = datasketches.PyLongsSerDe
_ALL = datasketches.frequent_items_error_type.NO_FALSE_NEGATIVES


class Ranked(Struct, frozen=True):
    """An item and the bounds of its amount. It is `certain` where no item that is not listed can have brought more."""

    item: int
    low: int
    high: int
    certain: bool


class Ranking(Struct, frozen=True):
    """The items that bring most, those with the greatest lower bound first.

    Whatever is not among them brings `others_at_most`; `total` is of all items, and exact.
    """

    items: list[Ranked]
    others_at_most: int
    total: int


class Top:
    """Amounts of items. `add` takes an item (0 to 2^63 - 1) and an amount above 0; the sum stays below 2^64."""

    def __init__(self, data: bytes | None = None) -> None:
        """A new one, or the one that `data` gave. Raises ValueError where these bytes are none."""
        if data is None:
            self._sketch = datasketches.frequent_items_sketch(LG)
        else:
            try:
                self._sketch = datasketches.frequent_items_sketch.deserialize(data, _NUMBERS())
            except (RuntimeError, ValueError, IndexError) as error:
                raise ValueError(f"no sketch of frequent items: {error}") from error
        self.add: Callable[[int, int], None] = self._sketch.update

    def data(self) -> bytes:
        """As bytes: 16 an item that is held, some 12 KB at most."""
        return bytes(self._sketch.serialize(_NUMBERS()))

    @property
    def total(self) -> int:
        """Everything that was added."""
        return int(self._sketch.total_weight)

    @property
    def slack(self) -> int:
        """What an item that is not held may have brought at most, and by how much the bounds of the others differ."""
        # No number that is ever added is negative.
        return int(self._sketch.get_upper_bound(-1))

    def lows(self) -> dict[int, int]:
        """The lower bound of each item that is held; the upper one lies `slack` above it."""
        return {int(item): int(low) for item, _, low, _ in self._sketch.get_frequent_items(_ALL, 0)}

    def content(self) -> tuple[int, int, dict[int, int]]:
        """What it knows, whatever its bytes: the total, the slack and the lower bounds."""
        return self.total, self.slack, self.lows()


def ranking(parts: Sequence[Top], most: int) -> Ranking:
    """The `most` items that bring most in all of them together.

    Bounds add: an item lies between the sums of its lower and of its upper bounds, where one that a part does not hold
    lies between 0 and that part's slack.
    """
    slack = sum(part.slack for part in parts)
    lows: dict[int, int] = {}
    for part in parts:
        for item, low in part.lows().items():
            lows[item] = lows.get(item, 0) + low
    ordered = sorted(lows, key=lambda item: (-lows[item], item))
    others = slack + max((lows[item] for item in ordered[most:]), default=0)
    items = [Ranked(item, lows[item], lows[item] + slack, lows[item] >= others) for item in ordered[:most]]
    return Ranking(items, others, sum(part.total for part in parts))
