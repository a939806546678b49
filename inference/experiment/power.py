"""How many shoppers an experiment needs, computed before it starts."""

from math import ceil

from msgspec import Struct

from inference.experiment.sequential import least_width, normal_quantile


class Size(Struct, frozen=True, kw_only=True):
    """What a plan comes to. Shoppers are those in arms (held out ones not among them), all arms together.

    `fixed` holds for one look at the end, `always_valid` for a look at any time; the second is what looking costs.
    `variance` is Var(variant - control) at the always-valid size, which tunes the interval (`sequential.half_width`).
    """

    difference: float
    alpha: float
    fixed: int
    always_valid: int
    variance: float


def size(
    *, baseline: float, effect: float, per_shopper: float, design_effect: float, alpha: float, power: float,
    shares: tuple[float, ...],
) -> Size:  # fmt: skip
    """The size at which a rate's change from `baseline` by `effect` of it (relative) is found with `power`.

    `shares` are those of the arms, the control first. `alpha` is shared out over the variants (Bonferroni) and the
    smallest variant decides. A shopper's variance is baseline (1 - baseline) / per_shopper * design_effect:
    `per_shopper` impressions each, and how much more alike one shopper's are than two shoppers'
    (`inference.experiment.ratio.design_effect`, from past data).

    At the tuned time the interval is `least_width` standard errors to each side, so the planned difference has to be
    that and the normal quantile of `power` away from 0. Looks before and after add to the power; it is a lower bound.

    Raises ValueError where a value is out of its range.
    """
    changed = baseline * (1 + effect)
    if not (0 < baseline < 1 and 0 < changed < 1 and effect):
        raise ValueError(f"a rate of {baseline:g} that changes by {effect:g} of it is no plan")
    if not (per_shopper > 0 and design_effect > 0 and 0 < alpha < 1 and 0 < power < 1):
        raise ValueError("per_shopper and design_effect are above 0, alpha and power between 0 and 1")
    if len(shares) < 2 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError("two shares or more, each above 0, sum to 1")
    level = alpha / (len(shares) - 1)
    difference = abs(changed - baseline)
    spread = (
        design_effect
        / per_shopper
        * sum(rate * (1 - rate) / share for rate, share in ((baseline, shares[0]), (changed, min(shares[1:]))))
    )
    looks = least_width(level) + normal_quantile(power)
    once = normal_quantile(1 - level / 2) + normal_quantile(power)
    return Size(
        difference=difference,
        alpha=level,
        fixed=ceil(spread * (once / difference) ** 2),
        always_valid=ceil(spread * (looks / difference) ** 2),
        variance=(difference / looks) ** 2,
    )
