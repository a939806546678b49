"""CUPED: less variance by what was known of the shoppers before (Deng, Xu, Kohavi and Walker 2013).

doi 10.1145/2433396.2433413. For a ratio the adjusted quantity is its linear part, (y - R x) / mean(x), as in the delta
method (Deng, Knoblich and Lu 2018, doi 10.1145/3219819.3219919): from each arm's R goes theta times the arm's distance
from the means of the covariates over all arms. theta is one for all arms, so that every arm is adjusted by the same
rule: of those, the one with which the variances of the arms' values add up to the least. That is the regression of the
linear parts on the covariates, within arms, in which an arm counts as much as it adds to that sum: a small one decides
how wide an interval is. Covariates are of before the shopper met the experiment: an arm cannot have moved them.

There are two, impressions I and clicks C of before, because what tells of a shopper's rate is neither of them alone but
how many more clicks there were than the rate r of everybody would have made, C - r I. Theta weighs C against I by
itself, so r needs no prior and no weight; and shoppers of whom nothing is known are at (0, 0), where they belong.
"""

from collections.abc import Mapping

from msgspec import Struct

from inference.experiment.ratio import Estimate, estimate
from inference.experiment.sums import ShopperSums

Pair = tuple[float, float]

# The part of one covariate that the other does not explain: below it there is only the rounding of sums to tell them
# apart by, which are right to 16 digits.
_APART = 1e-9


class _Spread(Struct, frozen=True):
    """Variances of the means of an arm: of the covariates, their covariance, and those with the mean linear part."""

    aa: float
    bb: float
    ab: float
    az: float
    bz: float


class _Fit(Struct, frozen=True):
    """The coefficients, and how many of the covariates were fitted."""

    theta: Pair
    rank: int


def adjusted(arms: Mapping[str, ShopperSums]) -> dict[str, Estimate] | None:
    """Every arm's ratio with its variance, adjusted; None where no covariate is kept or it is the same for everybody.

    None too where an arm has no ratio yet, or too few shoppers to fit anything. Arms share no shopper: where they are
    drawn anew for each decision, who comes often is in more of them, and means of covariates differ by more than
    chance.
    """
    plain = {name: estimate(sums) for name, sums in arms.items()}
    found = {name: each for name, each in plain.items() if each is not None}
    if len(found) < len(arms) or not arms:
        return None
    spreads = {name: _spread(sums, found[name].value) for name, sums in arms.items()}
    fit = _fit(list(spreads.values()))
    free = min(sums.n for sums in arms.values()) - 1
    if fit is None or fit.rank >= free:
        return None
    n = sum(sums.n for sums in arms.values())
    middle = sum(sums.a for sums in arms.values()) / n, sum(sums.b for sums in arms.values()) / n
    # What theta was fitted to is explained a little too well, at the most as if the smallest arm alone had fitted it.
    taken = free / (free - fit.rank)
    return {name: _arm(sums, found[name], spreads[name], fit.theta, middle, taken) for name, sums in arms.items()}


def _spread(sums: ShopperSums, value: float) -> _Spread:
    """The linear part of a shopper is (y - R x) / mean(x), whose mean is 0."""
    n = sums.n
    means = n * n * (n - 1)
    # Numerators of the first three are whole numbers, so that nothing is lost where means are large.
    return _Spread(
        aa=(n * sums.a2 - sums.a * sums.a) / means,
        bb=(n * sums.b2 - sums.b * sums.b) / means,
        ab=(n * sums.ab - sums.a * sums.b) / means,
        az=(sums.ya - value * sums.xa) / (sums.x * (n - 1)),
        bz=(sums.yb - value * sums.xb) / (sums.x * (n - 1)),
    )


def _fit(spreads: list[_Spread]) -> _Fit | None:
    """The regression; of covariates that move together the first one that varies stands for both."""
    aa, bb, ab, az, bz = (sum(getattr(each, name) for each in spreads) for name in _Spread.__struct_fields__)
    apart = aa * bb - ab * ab
    if apart > _APART * aa * bb:
        return _Fit(((bb * az - ab * bz) / apart, (aa * bz - ab * az) / apart), 2)
    if aa > 0:
        return _Fit((az / aa, 0.0), 1)
    return _Fit((0.0, bz / bb), 1) if bb > 0 else None


def _arm(sums: ShopperSums, plain: Estimate, spread: _Spread, theta: Pair, middle: Pair, taken: float) -> Estimate:
    a, b = theta
    value = plain.value - a * (sums.a / sums.n - middle[0]) - b * (sums.b / sums.n - middle[1])
    # Var(z - a A - b B) of means over n shoppers.
    explained = 2 * (a * spread.az + b * spread.bz)
    explained -= a * a * spread.aa + 2 * a * b * spread.ab + b * b * spread.bb
    return Estimate(value, max(0.0, plain.variance - explained) * taken, plain.n)
