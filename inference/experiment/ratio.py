"""The ratio of two sums over shoppers, with its variance by the delta method.

Impressions of one shopper are alike, so a variance that takes impressions as independent is too small. The shopper is
what was randomised and is the unit here: with R = sum(y) / sum(x),

    Var(R) = n / (n - 1) * sum (y_i - R x_i)^2 / (sum x_i)^2

which is the delta method's (s_y^2 - 2 R s_xy + R^2 s_x^2) / (n mean(x)^2), written out (Deng, Knoblich and Lu 2018,
section 4.1, doi 10.1145/3219819.3219919). Shoppers without a denominator change nothing but the n of n / (n - 1).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from inference.experiment.sums import ShopperSums

Floats = npt.NDArray[np.float64]


class Estimate(Struct, frozen=True):
    """A figure, its variance (the square of its standard error), and how many shoppers it comes from."""

    value: float
    variance: float
    n: int


def ratio(n: Any, x: Any, x2: Any, y: Any, y2: Any, xy: Any) -> tuple[Floats, Floats]:
    """(R, Var(R)) of sums, each a number or an array of one shape; nan where n < 2 or nothing was seen (x = 0)."""
    count, below, above = (np.asarray(each, dtype=np.float64) for each in (n, x, y))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = above / below
        square = np.asarray(y2, np.float64) - 2 * value * np.asarray(xy, np.float64)
        square = np.maximum(square + value * value * np.asarray(x2, np.float64), 0.0)
        variance = np.where(count > 1, count / (count - 1), np.nan) * square / (below * below)
    return np.where(below > 0, value, np.nan), np.where(below > 0, variance, np.nan)


def estimate(sums: ShopperSums) -> Estimate | None:
    """An arm's ratio; None where fewer than two shoppers, or nothing that could count, were seen."""
    if sums.n < 2 or sums.x <= 0:
        return None
    value, variance = ratio(sums.n, sums.x, sums.x2, sums.y, sums.y2, sums.xy)
    return Estimate(float(value), float(variance), sums.n)


def difference(variant: Estimate, control: Estimate) -> Estimate:
    """Variant minus control. The arms share no shopper, so variances add.

    Where arms are drawn anew for each decision a shopper is in both; then this variance is an upper bound as long as
    shoppers who like the one arm more than others do also like the other arm more than others do.
    """
    return Estimate(variant.value - control.value, variant.variance + control.variance, variant.n + control.n)


def per_shopper_variance(sums: ShopperSums) -> float | None:
    """n * Var(R): what one shopper contributes, from past data, for `inference.experiment.power`."""
    found = estimate(sums)
    return None if found is None else found.variance * found.n


def design_effect(sums: ShopperSums) -> float | None:
    """How many times larger Var(R) of a rate is than if impressions were independent. None where the rate is 0 or 1."""
    found = estimate(sums)
    if found is None or not 0 < found.value < 1:
        return None
    return found.variance * sums.x / (found.value * (1 - found.value))
