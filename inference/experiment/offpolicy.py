"""What another policy would have got, from a log whose propensities are exact: inverse propensity weights.

A decision that was made with probability p, and that the candidate would have made with q, counts q / p times. Two
estimates of the mean reward of a decision (Horvitz and Thompson 1952, doi 10.1080/01621459.1952.10483446; Swaminathan
and Joachims 2015, "The self-normalized estimator for counterfactual learning"):

    IPS   = sum(w r) / n          without bias, but it moves with the weights' own luck, and may leave 0..1
    SNIPS = sum(w r) / sum(w)     a mean of rewards, with a bias that goes as 1 / n

Decisions of one shopper are alike, so variances are by shopper: with the parts u_i that shoppers have in an estimate's
error (the delta method, `inference.experiment.ratio`), n / (n - 1) sum u_i^2. A few heavy weights may make up most of
it, so Student's t stands for the normal distribution, with as many degrees of freedom as shoppers that the variance
rests on, (sum u^2)^2 / sum u^4 (Satterthwaite 1946, doi 10.2307/3002019, for a sum of squares of one degree each). The
interval of a mean of rewards is one of its log-odds, since rates are small. What intervals hold is measured:
docs/policy.md.

The candidate must not have been fitted to the decisions that it is judged by: it would like the arms that were lucky in
them.
"""

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

Z_95 = 1.959964
"""The normal distribution's 97.5 % point."""


NEAR = 2.0
"""The fewest degrees of freedom: with one shopper behind it an interval would have no end."""


class Figure(Struct, frozen=True):
    """An estimate with its 95 % interval; all None where fewer than two shoppers were seen."""

    value: float | None
    low: float | None
    high: float | None


class Judged(Struct, frozen=True, kw_only=True):
    """A candidate on `n` decisions. `ess` is how many decisions of its own these are worth (Kish's effective size),
    `mean_weight` is 1 but for chance where the logged propensities are true.
    """

    n: int
    ess: float
    mean_weight: float | None
    ips: Figure
    snips: Figure


NOTHING = Figure(None, None, None)


def judged(shoppers: Places, weights: Floats, rewards: Floats) -> Judged:
    """A candidate's estimates. `shoppers` says whose each decision is, as numbers from 0; `weights` are q / p, and
    `rewards` lie in 0..1.
    """
    n, total, squares = len(weights), float(weights.sum()), float((weights * weights).sum())
    ess = total * total / squares if squares else 0.0
    snips = _error(shoppers, weights, rewards)
    ips = _error(shoppers, np.ones(n), weights * rewards)
    return Judged(
        n=n,
        ess=ess,
        mean_weight=total / n if n else None,
        ips=NOTHING if ips is None else _interval(*ips),
        snips=NOTHING if snips is None else _share(*snips, ess),
    )


def gain(shoppers: Places, weights: Floats, against: Floats, rewards: Floats) -> Figure:
    """How much more the candidate's SNIPS is than that of the one with weights `against`, on the same decisions.

    Both come from the same shoppers, so that the interval is far narrower than those of the two would tell.
    """
    own, other = _error(shoppers, weights, rewards), _error(shoppers, against, rewards)
    if own is None or other is None:
        return NOTHING
    return _interval(own[0] - other[0], own[1] - other[1])


def quantile(freedom: float) -> float:
    """The 97.5 % point of Student's t, by the expansion of Abramowitz and Stegun (1964), 26.7.5: within 1.5 % from 2
    degrees of freedom on, within 0.1 % from 5.
    """
    z, v = Z_95, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )


def _error(shoppers: Places, weights: Floats, rewards: Floats) -> tuple[float, Floats] | None:
    """A weighted mean, and each shopper's part in its error."""
    total = float(weights.sum())
    n = int(shoppers.max()) + 1 if len(shoppers) else 0
    if n < 2 or total <= 0:
        return None
    value = float(weights @ rewards) / total
    parts = np.bincount(shoppers, weights=weights * (rewards - value) / total, minlength=n)
    return value, np.asarray(parts, np.float64)


def _half(parts: Floats) -> float:
    """Half the length of an interval, from the parts of its error."""
    squares = parts * parts
    total = float(squares.sum())
    if total == 0:
        return 0.0
    freedom = max(NEAR, total * total / float((squares * squares).sum()))
    return quantile(freedom) * float(np.sqrt(len(parts) / (len(parts) - 1) * total))


def _interval(value: float, parts: Floats) -> Figure:
    half = _half(parts)
    return Figure(value, value - half, value + half)


def _share(value: float, parts: Floats, ess: float) -> Figure:
    if value <= 0 or value >= 1:
        # Without any success, or failure, there is no log-odds: what as many decisions could have hidden (Hanley and
        # Lippman-Hand 1983, doi 10.1001/jama.1983.03330370053031).
        hidden = 1 - 0.025 ** (1 / max(ess, 1.0))
        return Figure(value, 0.0, hidden) if value <= 0 else Figure(value, 1 - hidden, 1.0)
    odds, half = np.log(value / (1 - value)), _half(parts) / (value * (1 - value))
    low, high = (float(1 / (1 + np.exp(-np.clip(odds + side * half, -500, 500)))) for side in (-1, 1))
    return Figure(value, low, high)
