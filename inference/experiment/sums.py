"""What has to be kept of an arm's shoppers so that a ratio and its variance can be told: ten integers."""

from msgspec import Struct


class ShopperSums(Struct, frozen=True, kw_only=True):
    """Sums over the shoppers of one arm: x is a shopper's denominator (impressions), y the numerator (clicks).

    Sums of disjoint shoppers add. Those of one shopper do not: a shopper who comes back replaces what was known of
    them (`grown`), because squares do not add over time. `pre` is a figure of the shopper from before the experiment
    (for CUPED); all four are 0 where none is kept. Under adaptive arms x and y hold each decision with its weight,
    `inference.experiment.scores.weight_of`.
    """

    n: int = 0
    x: int = 0
    x2: int = 0
    y: int = 0
    y2: int = 0
    xy: int = 0
    pre: int = 0
    pre2: int = 0
    pre_x: int = 0
    pre_y: int = 0

    def __add__(self, other: "ShopperSums") -> "ShopperSums":
        return ShopperSums(
            n=self.n + other.n,
            x=self.x + other.x,
            x2=self.x2 + other.x2,
            y=self.y + other.y,
            y2=self.y2 + other.y2,
            xy=self.xy + other.xy,
            pre=self.pre + other.pre,
            pre2=self.pre2 + other.pre2,
            pre_x=self.pre_x + other.pre_x,
            pre_y=self.pre_y + other.pre_y,
        )

    def __sub__(self, other: "ShopperSums") -> "ShopperSums":
        return self + ShopperSums(**{name: -getattr(other, name) for name in self.__struct_fields__})


def of_shopper(x: int, y: int, pre: int = 0) -> ShopperSums:
    """One shopper's share of the sums."""
    return ShopperSums(
        n=1, x=x, x2=x * x, y=y, y2=y * y, xy=x * y, pre=pre, pre2=pre * pre, pre_x=pre * x, pre_y=pre * y
    )


def grown(sums: ShopperSums, before: tuple[int, int] | None, after: tuple[int, int], pre: int = 0) -> ShopperSums:
    """The sums once a shopper has gone from (x, y) `before` (None: not known yet) to (x, y) `after`."""
    added = sums + of_shopper(*after, pre)
    return added if before is None else added - of_shopper(*before, pre)
