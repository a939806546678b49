"""Sums over the shoppers of an experiment's arm, of which variances are made. docs/feedback.md is the law.

Every amount counts with the weight of its decision's propensity, so the sums hold for arms that a policy draws, too;
where all weights are one, they cancel out of every ratio and of its variance.
"""

from schemas.cells import ArmCell
from schemas.experiments import METRICS

SHOPPERS = "shoppers"
"""The family, and the counter that says how many shoppers there are."""

SUMMED = (
    "impressions",
    "clicks",
    "impressed_orders",
    "revenue_minor",
    "clicked_carts",
    "clicked_orders",
    "orders",
    "refunds",
)
"""Counters of which a shopper has a sum, frequent ones first: what follows the last that is not 0 takes no place."""

BEFORE = {"before_impressions": "impressions", "before_clicks": "clicks"}
"""What is known of a shopper from before (for CUPED), and the counter whose sums over the shopper's pairs of other
experiments it is, as they stood when the pair first counted something of the shopper. It does not change after that."""

RATIOS = tuple((parts.numerator, parts.denominator) for parts in METRICS.values())
"""Numerator and denominator of every metric."""


def squared(name: str) -> str:
    """The counter that holds the sum of a counter's squares over shoppers."""
    return f"{name}_squared"


def times(one: str, other: str) -> str:
    """The counter that holds the sum of two counters' products over shoppers."""
    return f"{one}_by_{other}"


SHOPPER_COUNTERS = (
    SHOPPERS,
    *SUMMED,
    *map(squared, SUMMED),
    *(times(*ratio) for ratio in RATIOS),
    *BEFORE,
    *map(squared, BEFORE),
    times(*BEFORE),
    *(times(name, before) for before in BEFORE for name in SUMMED),
)
"""Counters of a cell of the family shoppers. collect's state holds them by place: new ones go behind the others."""

UNIT = 1 << 16
"""The weight of a decision whose arm had no other: integers, so that sums do not depend on their order."""

# A policy of 65,536 draws (the most there can be) logs nothing between 0 and about 2^-16.
LEAST = 2.0**-20
MOST = 1 << 56
"""A shopper's sum ends here: hundreds of times what anybody buys, and its square is still a number to a database."""

SHOPPER_DAYS = 90
"""A shopper of whom an arm has counted nothing for so many days is forgotten: experiments end sooner, and nobody can
be remembered for ever."""


def counted_weight(propensity: float) -> int:
    """round(2^16 / p); 0, which counts for nothing, where p is none that a policy logs."""
    return round(UNIT / propensity) if LEAST <= propensity <= 1 else 0


HELD_OUT, TREATED = "held_out", "treated"
"""In an arm's place: everybody who orders, by intent to treat, as the hash of the settings' experiment says."""


def pair_cell(experiment: int, arm: int) -> ArmCell:
    """The cell of an experiment's arm, over all categories and segments. Both are codes."""
    return ArmCell(experiment, 0, 0, arm)
