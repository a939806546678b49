"""Sample ratio mismatch: whether as many units fell to each arm as chance says. If not, no figure can be trusted.

Fabijan et al. 2019, doi 10.1145/3292500.3330722. What is expected comes from the logged propensities, not from shares
in a settings file: where a policy moves, a holdout takes its part, or an arm could not be shown, the shares are others
from hour to hour. A stratum is a set of units that had one vector of propensities; over strata the counts' distances
add, and so do their covariances n (diag(p) - p p'), which gives a chi-square with one stratum's degrees of freedom.
With one stratum it is Pearson's test.

Count what was randomised: shoppers where an experiment assigns shoppers, decisions where a policy draws for each.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from inference.experiment.chi_square import needed_shift, tail

ALPHA = 0.001
"""An alarm that stops an experiment is looked at for each of many experiments: one false in a thousand is bearable."""
# Covariances are of whole units, so a direction whose variance is a billionth of the largest is one without any.
_NO_SPREAD = 1e-9
# A distance of counts in a direction without spread: under half a unit it is rounding.
_HALF_A_UNIT = 0.5

Floats = npt.NDArray[np.float64]


class Stratum(Struct, frozen=True):
    """Units with one vector of propensities: where they came from, the propensities, and how many fell to each arm."""

    source: str
    propensities: tuple[float, ...]
    observed: tuple[int, ...]


class Cell(Struct, frozen=True):
    """One arm of one source: units seen and expected, and the distance in standard errors."""

    source: str
    arm: str
    observed: int
    expected: float
    distance: float


class Mismatch(Struct, frozen=True):
    """The test's outcome. `sources` are p values of each source alone; `p` answers for all of them."""

    n: int
    p: float
    alpha: float
    fired: bool
    statistic: float
    freedom: int
    sources: dict[str, float]
    cells: tuple[Cell, ...]


def mismatch(arms: Sequence[str], strata: Sequence[Stratum], alpha: float = ALPHA) -> Mismatch:
    """Test the counts of `arms` against their propensities, over all sources and for each alone.

    With several sources `p` is twice the smaller of: p over all, and the smallest of the sources times their number
    (Bonferroni), so that its level holds. Raises ValueError where a stratum does not name every arm, a count is
    negative, or propensities do not sum to 1.
    """
    for stratum in strata:
        _check(stratum, len(arms))
    statistic, freedom, whole = _test(strata, len(arms))
    names = sorted({stratum.source for stratum in strata})
    by_source = {name: [each for each in strata if each.source == name] for name in names}
    alone = {name: _test(own, len(arms))[2] for name, own in by_source.items()}
    p = whole if len(alone) < 2 else min(1.0, 2 * min(whole, len(alone) * min(alone.values())))
    n = sum(sum(stratum.observed) for stratum in strata)
    cells = tuple(cell for name, own in by_source.items() for cell in _cells(name, arms, own))
    return Mismatch(n, p, alpha, p < alpha, statistic, freedom, alone, cells)


def caught_error(n: int, share: float, arms: int, alpha: float = ALPHA, power: float = 0.9) -> float | None:
    """The relative error of one arm's share (0.02: it gets 51 % instead of 50 %) that n units show with `power`.

    The other arms share what it takes or leaves. None where there is nothing to see it by. From the noncentrality
    n * error^2 * share / (1 - share) of Pearson's test.
    """
    if n <= 0 or arms < 2 or not 0 < share < 1:
        return None
    return sqrt(needed_shift(arms - 1, alpha, power) * (1 - share) / (n * share))


def units_to_catch(error: float, share: float, arms: int, alpha: float = ALPHA, power: float = 0.9) -> int:
    """How many units `caught_error` needs for `error` > 0."""
    return int(np.ceil(needed_shift(arms - 1, alpha, power) * (1 - share) / (share * error * error)))


def _check(stratum: Stratum, arms: int) -> None:
    if len(stratum.propensities) != arms or len(stratum.observed) != arms:
        raise ValueError(f"a stratum of {stratum.source!r} does not have {arms} arms")
    if min(stratum.observed, default=0) < 0 or min(stratum.propensities, default=0) < 0:
        raise ValueError(f"a count or propensity of {stratum.source!r} is negative")
    if abs(sum(stratum.propensities) - 1) > 1e-6:
        raise ValueError(f"propensities of {stratum.source!r} sum to {sum(stratum.propensities):g}, not to 1")


def _moments(strata: Sequence[Stratum], arms: int) -> tuple[Floats, Floats]:
    """Distance of the counts from what was expected, and its covariance."""
    apart, spread = np.zeros(arms), np.zeros((arms, arms))
    for stratum in strata:
        n, p = sum(stratum.observed), np.asarray(stratum.propensities)
        apart += np.asarray(stratum.observed) - n * p
        spread += n * (np.diag(p) - np.outer(p, p))
    return apart, spread


def _test(strata: Sequence[Stratum], arms: int) -> tuple[float, int, float]:
    """(statistic, degrees of freedom, p)."""
    apart, spread = _moments(strata, arms)
    size, way = np.linalg.eigh(spread)
    free = size > _NO_SPREAD * max(float(size.max(initial=0.0)), 1.0)
    along = way.T @ apart
    if float(np.abs(along[~free]).max(initial=0.0)) > _HALF_A_UNIT:
        # Units in an arm that nobody could have been given.
        return float("inf"), int(free.sum()), 0.0
    if not free.any():
        return 0.0, 0, 1.0
    statistic = float((along[free] ** 2 / size[free]).sum())
    return statistic, int(free.sum()), tail(statistic, int(free.sum()))


def _cells(source: str, arms: Sequence[str], strata: Sequence[Stratum]) -> list[Cell]:
    apart, spread = _moments(strata, len(arms))
    found = []
    for place, arm in enumerate(arms):
        observed, error = sum(stratum.observed[place] for stratum in strata), sqrt(max(spread[place, place], 0.0))
        distance = float(apart[place]) / error if error else 0.0
        found.append(Cell(source, arm, observed, observed - float(apart[place]), distance))
    return found
