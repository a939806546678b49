"""Does a click rate decline against its own past? A test that may be looked at every day, for ever.

A day's clicks are held against those of all days before it. Given how many there are of both together, the day's are
hypergeometric as long as the rate stays what it was, whatever it is. Let p be the chance of so few (Fisher's exact
test, one-sided). Given the sums and all later days p is at most as small as a uniform number would be; so the p of
different days are no more extreme than independent uniform ones, although every one rests on those before it. That is
what a conformal test martingale needs (Vovk, Nouretdinov and Gammerman 2003, Testing exchangeability on-line, ICML;
Vovk, Gammerman and Shafer 2022, Algorithmic learning in a random world, chapter 8): for every start s and 0 < k <= 1

    M = product over days d >= s of k * p_d^(k - 1)

is a nonnegative martingale that begins at 1, and so is any mean of them. By Ville's inequality it ever reaches
1 / alpha with a chance of at most alpha. A rate that rises makes p larger, and M smaller: the bound holds for every
rate that never falls. M averages over k, because nobody knows how steep a decline will be, and over starts with the
weights 1 / (s (s + 1)), because nobody knows when it begins.

It speaks about impressions that click alike and independently. Days that differ for other reasons (a weekend, another
mix of shoppers) are a decline too as far as it can tell; `against` takes such days out by a second arm.
"""

from collections.abc import Sequence
from math import exp, lgamma, log

import numpy as np
from msgspec import Struct

# Twelve slopes between a p that is hardly ever small and one that is small nearly always; more change no result.
_SLOPES = np.linspace(0.08, 0.96, 12)
# A chance of 0 would end the sum; a float's smallest is as good as none.
_LEAST_P = 1e-300


class Day(Struct, frozen=True):
    """One day of an arm or a text: clicks, and impressions of which they are."""

    clicks: int
    impressions: int


class Decline(Struct, frozen=True):
    """What the test has found. `evidence` is M at its greatest so far, `p` its reciprocal: always valid, at most 1.

    M grew most from the day with the number `since` on: `before` and `after` are the click rates up to it and from it
    on; None where nobody looked.
    """

    evidence: float
    p: float
    since: int
    before: float | None
    after: float | None
    days: int

    def found(self, alpha: float) -> bool:
        """Whether the rate has declined, at an error rate of `alpha` over the whole life of what is tested."""
        return self.p <= alpha


def decline(days: Sequence[Day]) -> Decline:
    """Test the days of one arm or text, in their order. Raises ValueError where a day has more clicks than looks."""
    logs = np.log(np.array([1.0, *_chances(days)]))
    seen = np.arange(1, len(logs))
    sums = np.cumsum(logs)
    # [day, start]: the logarithm of the mean over slopes of what was won from a start on, with the start's weight.
    length = (seen[:, None] - seen[None, :] + 1)[..., None]
    won = (sums[seen][:, None] - sums[seen - 1][None, :])[..., None]
    by_start = np.logaddexp.reduce(length * np.log(_SLOPES) + (_SLOPES - 1) * won, axis=2) - log(len(_SLOPES))
    by_start = np.where(length[..., 0] > 0, by_start - np.log(seen * (seen + 1)), -np.inf)
    # Starts that are still to come have not begun: their share of the weights stands at 1.
    whole = np.logaddexp(np.logaddexp.reduce(by_start, axis=1), -np.log(seen + 1))
    best, since = 0.0, 0
    if len(seen) and whole.max() > 0:
        day = int(whole.argmax())
        best, since = float(whole[day]), int(seen[by_start[day].argmax()])
    return Decline(exp(min(best, 700.0)), exp(-best), since, _rate(days[:since]), _rate(days[since:]), len(days))


def against(days: Sequence[Day], others: Sequence[Day]) -> float | None:
    """By how much the rate since has changed more than that of others shown on the same days: a ratio of ratios.

    Below 1 the arm has lost more than they have. None where it cannot be told. `others` are the same days, of the
    control or of every other arm of the same place. Raises ValueError where the numbers of days differ.
    """
    if len(days) != len(others):
        raise ValueError(f"{len(days)} days against {len(others)}")
    since = decline(days).since
    before, after = _rate(days[:since]), _rate(days[since:])
    others_before, others_after = _rate(others[:since]), _rate(others[since:])
    if after is None or not before or not others_before or not others_after:
        return None
    return (after / before) / (others_after / others_before)


def _chances(days: Sequence[Day]) -> list[float]:
    """P(so few clicks or fewer) of each day but the first, given all clicks up to it."""
    clicks = impressions = 0
    found = []
    for day in days:
        if not 0 <= day.clicks <= day.impressions:
            raise ValueError(f"{day.clicks} clicks of {day.impressions} impressions")
        clicks, impressions = clicks + day.clicks, impressions + day.impressions
        found.append(max(_LEAST_P, at_most(day.clicks, day.impressions, clicks, impressions)))
    return found[1:]


def at_most(found: int, drawn: int, marked: int, whole: int) -> float:
    """P(X <= found) where `drawn` are taken from `whole`, of which `marked` count: exact."""
    least, most = max(0, drawn - (whole - marked)), min(drawn, marked)
    if found >= most:
        return 1.0
    if found < least:
        return 0.0
    # Above the mode the upper tail is the shorter sum.
    upper = found * (whole + 2) > (drawn + 1) * (marked + 1)
    at = found + 1 if upper else found
    total = term = 1.0
    first = _log_chance(at, drawn, marked, whole)
    while term > 1e-17 * total and (at < most if upper else at > least):
        if upper:
            term *= (marked - at) * (drawn - at) / ((at + 1) * (whole - marked - drawn + at + 1))
        else:
            term *= at * (whole - marked - drawn + at) / ((marked - at + 1) * (drawn - at + 1))
        at += 1 if upper else -1
        total += term
    tail = total * exp(first)
    return min(1.0, max(0.0, 1 - tail if upper else tail))


def _log_chance(found: int, drawn: int, marked: int, whole: int) -> float:
    return _choose(marked, found) + _choose(whole - marked, drawn - found) - _choose(whole, drawn)


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _rate(days: Sequence[Day]) -> float | None:
    impressions = sum(day.impressions for day in days)
    return sum(day.clicks for day in days) / impressions if impressions else None
