"""CUPED: less variance by what was known of the shoppers before (Deng, Xu, Kohavi and Walker 2013).

doi 10.1145/2433396.2433413. For a ratio the adjusted quantity is its linear part, (y - R x) / mean(x): from each arm's
R goes theta times the arm's distance from the mean of the covariate over all arms. theta is one for all arms, so that
every arm is adjusted by the same rule. The covariate is of before the experiment: the arm cannot have moved it.
"""

from collections.abc import Mapping

from inference.experiment.ratio import Estimate, estimate
from inference.experiment.sums import ShopperSums


def adjusted(arms: Mapping[str, ShopperSums]) -> dict[str, Estimate] | None:
    """Every arm's ratio with its variance, adjusted; None where no covariate is kept or it is the same for everybody.

    None too where an arm has no ratio yet.
    """
    plain = {name: estimate(sums) for name, sums in arms.items()}
    found = {name: each for name, each in plain.items() if each is not None}
    if len(found) < len(arms) or not arms:
        return None
    spread = sum(_square(sums) for sums in arms.values())
    if spread <= 0:
        return None
    theta = sum(_cross(sums, found[name].value) for name, sums in arms.items()) / spread
    middle = sum(sums.pre for sums in arms.values()) / sum(sums.n for sums in arms.values())
    return {name: _arm(sums, found[name], theta, middle) for name, sums in arms.items()}


def _square(sums: ShopperSums) -> float:
    """Sum of squared distances of the covariate from the arm's own mean."""
    return (sums.n * sums.pre2 - sums.pre * sums.pre) / sums.n


def _cross(sums: ShopperSums, value: float) -> float:
    """Sum over shoppers of (covariate - its mean) * (y - R x) / mean(x); the second factor's mean is 0."""
    return (sums.pre_y - value * sums.pre_x) * sums.n / sums.x


def _arm(sums: ShopperSums, plain: Estimate, theta: float, middle: float) -> Estimate:
    value = plain.value - theta * (sums.pre / sums.n - middle)
    # Var(a - theta b) of means over n shoppers, each from its own n - 1 degrees of freedom.
    scale = 1 / (sums.n * (sums.n - 1))
    variance = plain.variance + scale * (theta * theta * _square(sums) - 2 * theta * _cross(sums, plain.value))
    return Estimate(value, max(0.0, variance), plain.n)
