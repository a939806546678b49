"""What copy is worth to those who may see it, by intent to treat: sums of held-out and of treated shoppers.

Who is held out is a hash of the shopper, so each belongs to the held-out group with the same chance h, whatever they
do. Of either group only those are known who bought anything, with the sum of what they bought (y) and of its squares;
how many bought nothing is not known, and does not matter to the ratio of the two means,

    R = (sum of y over treated / (1 - h)) / (sum of y over held out / h)

With N shoppers, sums T and H and squares T2 and H2, the delta method gives of log R

    Var = (T2 - T^2 / N) / T^2 + (H2 - H^2 / N) / H^2 + 2 / N = T2 / T^2 + H2 / H^2

where the last 2 / N is what the groups take from each other (a shopper is in one of them), so that N cancels. The
interval of log R holds at every look (`inference.experiment.sequential`).
"""

from math import exp, log

from msgspec import Struct
from msgspec.structs import replace

from inference.experiment.sequential import half_width, least_width, normal_quantile, p_value
from inference.experiment.verdict import Decision

ALPHA = 0.05
LEAST = 100
"""Buyers that each group needs before it is judged, as the shoppers of an arm do."""
# What the interval is tuned to: a tenth more or less is worth a decision, and smaller ones take millions of shoppers.
# It holds for every other effect as well, a little wider.
WORTH = 0.1
POWER = 0.8


class Bought(Struct, frozen=True):
    """One group: how many bought, the sum of what each bought, and of its square."""

    buyers: int = 0
    total: int = 0
    squares: int = 0


class Worth(Struct, frozen=True, kw_only=True):
    """Treated against held-out shoppers in one figure. `relative` is R - 1: 0.03 means that copy made 3 % more.

    `extra` is how much of what the treated bought they would not have bought without copy. `low` and `high` (of
    `relative`) hold at every look. None where a group has bought nothing.
    """

    figure: str
    held_out: int
    treated: int
    buyers_held_out: int
    buyers_treated: int
    relative: float | None = None
    low: float | None = None
    high: float | None = None
    extra: float | None = None
    p: float | None = None
    decision: Decision = Decision.TOO_EARLY


def worth(figure: str, share: float, held_out: Bought, treated: Bought) -> Worth:
    """What copy is worth in one figure; `share` is h, above 0 and below 1. Raises ValueError where it is not."""
    if not 0 < share < 1:
        raise ValueError(f"{share} is no share of shoppers who are held out")
    found = Worth(
        figure=figure,
        held_out=held_out.total,
        treated=treated.total,
        buyers_held_out=held_out.buyers,
        buyers_treated=treated.buyers,
    )
    if held_out.total <= 0 or treated.total <= 0:
        return found
    due = held_out.total * (1 - share) / share
    gain = log(treated.total / due)
    variance = treated.squares / treated.total**2 + held_out.squares / held_out.total**2
    planned = (log(1 + WORTH) / (least_width(ALPHA) + normal_quantile(POWER))) ** 2
    half = float(half_width(variance, planned, ALPHA))
    low, high = _relative(gain - half), _relative(gain + half)
    decision = Decision.TOO_EARLY
    if min(held_out.buyers, treated.buyers) >= LEAST:
        better, worse = low > 0, high < 0
        decision = Decision.BETTER if better else Decision.WORSE if worse else Decision.NO_DIFFERENCE_SHOWN
    return replace(
        found,
        relative=treated.total / due - 1,
        low=low,
        high=high,
        extra=treated.total - due,
        p=float(p_value(gain, variance, planned, ALPHA)),
        decision=decision,
    )


def _relative(gain: float) -> float:
    # Of a handful of buyers nothing can be said: the end is out of sight, and a float has one.
    return exp(min(gain, 700.0)) - 1
