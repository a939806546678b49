"""What has to be kept of an arm's shoppers so that a ratio and its variance can be told: fifteen integers."""

from msgspec import Struct

Before = tuple[int, int]
"""What was known of a shopper before: two figures, 0 and 0 where nothing was."""


class ShopperSums(Struct, frozen=True, kw_only=True):
    """Sums over the shoppers of one arm: x is a shopper's denominator (impressions), y the numerator (clicks).

    Sums of disjoint shoppers add. Those of one shopper do not: a shopper who comes back replaces what was known of
    them (`grown`), because squares do not add over time. a and b are figures of the shopper from before the experiment
    (for CUPED: impressions and clicks of then); all of theirs are 0 where none are kept. Two letters are a product.
    Under adaptive arms x and y hold each decision with its weight, `inference.experiment.scores.weight_of`.
    """

    n: int = 0
    x: int = 0
    x2: int = 0
    y: int = 0
    y2: int = 0
    xy: int = 0
    a: int = 0
    a2: int = 0
    b: int = 0
    b2: int = 0
    ab: int = 0
    xa: int = 0
    xb: int = 0
    ya: int = 0
    yb: int = 0

    def __add__(self, other: "ShopperSums") -> "ShopperSums":
        return ShopperSums(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    def __sub__(self, other: "ShopperSums") -> "ShopperSums":
        return ShopperSums(**{name: getattr(self, name) - getattr(other, name) for name in self.__struct_fields__})


def of_shopper(x: int, y: int, before: Before = (0, 0)) -> ShopperSums:
    """One shopper's share of the sums."""
    a, b = before
    return ShopperSums(
        n=1, x=x, x2=x * x, y=y, y2=y * y, xy=x * y,
        a=a, a2=a * a, b=b, b2=b * b, ab=a * b, xa=x * a, xb=x * b, ya=y * a, yb=y * b,
    )  # fmt: skip


def grown(sums: ShopperSums, old: tuple[int, int] | None, new: tuple[int, int], before: Before = (0, 0)) -> ShopperSums:
    """The sums once a shopper has gone from (x, y) `old` (None: not known yet) to (x, y) `new`."""
    added = sums + of_shopper(*new, before)
    return added if old is None else added - of_shopper(*old, before)
