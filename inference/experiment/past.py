"""A/As of shoppers who were really there: the rows of a log stay as they are, and a coin says whose arm is which.

What `patter evaluate intervals --data` measures error rates with. No distribution is made up: how rates and visits
differ, who comes back and what is spent are the log's own. Over coins, both arms of an A/A are alike by construction,
so any difference that an interval finds is a false one (a randomisation test; Fisher 1935, chapter 2). What is planted
changes each row's successes once, in a second copy of the log; an arm reads the one or the other.

A log is finite: at the last look the arms share all of its shoppers, and each arm's sums are what the other has left.
The variance of the difference is then that of a random split (Neyman 1923), which the delta method's meets.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from inference.experiment.ratio import design_effect, per_shopper_variance, ratio
from inference.experiment.sequential import fixed_half_width, half_width
from inference.experiment.sums import ShopperSums

Floats = npt.NDArray[np.float64]
Shoppers = npt.NDArray[np.int64]
# Coins and sums at once: a few hundred MiB.
_AT_ONCE = 20_000_000


class PastRows(Struct, frozen=True):
    """A log in its order: whose each row is (0, 1, ... by first row), its trials (impressions), and its successes, or
    any other amount, such as revenue."""

    shopper: Shoppers
    x: Floats
    y: Floats

    @property
    def shoppers(self) -> int:
        """How many there are."""
        return int(self.shopper.max()) + 1 if len(self.shopper) else 0

    @property
    def counts(self) -> bool:
        """Whether successes are counts of trials."""
        return bool(np.all((self.y == np.floor(self.y)) & (self.y >= 0) & (self.y <= self.x)))


class Rejected(Struct, frozen=True):
    """In how many of the splits a difference was found: by the always-valid interval at any look, by the usual one at
    the last look, and by the usual one at any look."""

    always_valid: int
    fixed: int
    peeked: int


class Described(Struct, frozen=True):
    """The log as a plan needs it: value (y over x), mean trials of a shopper, how many times larger the variance is
    than if trials were independent (None where y is no count), and the variance of a difference of halves of all
    shoppers.
    """

    value: float
    per_shopper: float
    design_effect: float | None
    variance: float


def described(rows: PastRows) -> Described:
    """Raises ValueError where there are under two shoppers, or nothing was tried, or all did alike."""
    sums = _whole(rows)
    own = per_shopper_variance(sums) if rows.shoppers > 1 and sums.x > 0 else None
    if not own:
        raise ValueError("two shoppers who differ are needed")
    # Two arms of n / 2 each, of which each has own / (n / 2).
    variance = 4 * own / rows.shoppers
    return Described(sums.y / sums.x, sums.x / rows.shoppers, design_effect(sums) if rows.counts else None, variance)


def planted(rows: PastRows, effect: float, chance: np.random.Generator) -> PastRows:
    """The log as it would be under a variant that does better by `effect` of the whole's value (0.2: a fifth).

    Counts: trials without a success get one by chance, or successes lose theirs. Other amounts are multiplied. Raises
    ValueError where the effect is more than there are trials for.
    """
    if not rows.counts:
        return PastRows(rows.shopper, rows.x, rows.y * (1 + effect))
    x, y = rows.x.astype(np.int64), rows.y.astype(np.int64)
    if effect <= 0:
        return PastRows(rows.shopper, rows.x, chance.binomial(y, max(0.0, 1 + effect)).astype(np.float64))
    misses = int(x.sum() - y.sum())
    gain = effect * float(y.sum()) / misses if misses else 2.0
    if gain > 1:
        raise ValueError(f"there are not trials enough for {effect:g} more successes")
    return PastRows(rows.shopper, rows.x, (y + chance.binomial(x - y, gain)).astype(np.float64))


def rejected(
    control: PastRows, variant: PastRows, splits: int, peeks: int, alpha: float, least: int, chance: np.random.Generator
) -> Rejected:
    """Split the shoppers `splits` times by a fair coin and look at each split `peeks` times, after equal parts of the
    log. No arm is judged with under `least` shoppers. `variant` is `control` for an A/A. The interval is tuned to all
    shoppers, as a plan that knew the log's size would do.
    """
    tuned, shoppers = described(control).variance, control.shoppers
    block = max(1, _AT_ONCE // max(1, shoppers))
    totals = np.zeros(3, dtype=np.int64)
    for begin in range(0, splits, block):
        count = min(block, splits - begin)
        coins = np.unpackbits(np.frombuffer(chance.bytes(-(-count * shoppers // 8)), np.uint8))[: count * shoppers]
        arms = coins.reshape(count, shoppers).astype(np.float64)
        always, fixed, peeked = np.zeros((3, count), dtype=bool)
        for mine, theirs in zip(_looks(control, peeks), _looks(variant, peeks), strict=True):
            first, second = mine.sum(axis=0) - arms @ mine, arms @ theirs
            sums = np.stack([first, second], axis=-1)
            seen, x, x2, y, y2, xy = np.moveaxis(sums, 1, 0)
            value, variance = ratio(seen, x, x2, y, y2, xy)
            gap, total = np.abs(value[:, 1] - value[:, 0]), variance.sum(axis=1)
            ready = seen.min(axis=1) >= least
            # A comparison with nan, of an arm in which nothing was tried yet, is false.
            fixed = ready & (gap > fixed_half_width(total, alpha))
            peeked |= fixed
            always |= ready & (gap > half_width(total, tuned, alpha))
        totals += [int(each.sum()) for each in (always, fixed, peeked)]
    return Rejected(*map(int, totals))


def _looks(rows: PastRows, peeks: int) -> Iterator[Floats]:
    """After each part of the log, a row for each shopper: 1 if seen, and x, x2, y, y2, xy of their sums so far."""
    seen, x, y = np.zeros((3, rows.shoppers))
    for part in np.array_split(np.arange(len(rows.shopper)), peeks):
        np.add.at(x, rows.shopper[part], rows.x[part])
        np.add.at(y, rows.shopper[part], rows.y[part])
        seen[rows.shopper[part]] = 1
        yield np.stack([seen, x, x * x, y, y * y, x * y], axis=1)


def _whole(rows: PastRows) -> ShopperSums:
    """Of the log as one arm. Amounts may be no whole numbers here: nothing is stored."""
    (last,) = list(_looks(rows, 1)) or [np.zeros((0, 6))]
    n, x, x2, y, y2, xy = last.sum(axis=0).tolist()
    return ShopperSums(n=int(n), x=x, x2=x2, y=y, y2=y2, xy=xy)
