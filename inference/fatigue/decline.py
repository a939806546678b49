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
rate that never falls. M averages over k, because nobody knows how steep a decline will be, and over starts, because
nobody knows when it begins. After N impressions the starts up to now have N / (N + HALF) of all weight: a day's share
rests on impressions alone, which the test takes as given, and is the same whenever one looks.

Days that are not known one by one any more stand in `past`, as one sum. Every p needs no more of them than that. The
starts among them are left out: without them M is smaller, so the bound holds for a text's whole life though only its
newest days are held.

How often a text is shown is taken as given. A policy that shows more of what was lucky does not give it: after good
luck days are worse. By simulation that adds little, and leaves much of alpha (docs/fatigue.md).

It speaks about impressions that click alike and independently. Days that differ for other reasons (a weekend, another
mix of shoppers) are a decline too as far as it can tell: beside.py holds an arm against others shown on those days.
"""

from collections.abc import Sequence
from math import exp, log

import numpy as np
from msgspec import Struct

from inference.fatigue.chances import at_most

# Twelve slopes between a p that is hardly ever small and one that is small nearly always; more change no result.
_SLOPES = np.linspace(0.08, 0.96, 12)
# A chance of 0, or a day that nobody looked on, would end the sum; a float's smallest is as good as none.
_LEAST_P = 1e-300
# Impressions over which half of all weight is spent. With a tenth of it a 10 % rate that loses a fifth after 5,000
# impressions is found 19 times of 100 instead of 33; with ten times as much one that loses half after 1,000 impressions
# 39 times instead of 47.
HALF = 1_000


class Day(Struct, frozen=True):
    """One day of an arm or a text: clicks, and impressions of which they are."""

    clicks: int
    impressions: int


NONE = Day(0, 0)


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


def decline(days: Sequence[Day], past: Day = NONE) -> Decline:
    """Test the days of one arm or text, in their order, after the sum of all days before them.

    Raises ValueError where a day has more clicks than looks.
    """
    return tested(_chances(days, past), days, past)


def tested(chances: Sequence[float], days: Sequence[Day], past: Day) -> Decline:
    """What the chances of so few clicks come to, one for each of the days."""
    looks = past.impressions + np.concatenate([[0], np.cumsum([day.impressions for day in days])])
    spent = looks / (looks + HALF)
    # The first day of all has nothing to be held against.
    first = 0 if past.impressions else 1
    best, since = 0.0, 0
    logs, places = np.log(np.maximum(chances, _LEAST_P))[first:], np.arange(len(days) - first)
    if len(places):
        sums = np.concatenate([[0.0], np.cumsum(logs)])
        # [day, start]: the logarithm of the mean over slopes of what was won from a start on, with the start's weight.
        length = (places[:, None] - places[None, :] + 1)[..., None]
        won = (sums[places + 1][:, None] - sums[places][None, :])[..., None]
        by_start = np.logaddexp.reduce(length * np.log(_SLOPES) + (_SLOPES - 1) * won, axis=2) - log(len(_SLOPES))
        weights = np.diff(spent)[first:]
        begun = (length[..., 0] > 0) & (weights > 0)
        by_start = np.where(begun, by_start + np.log(np.maximum(weights, _LEAST_P)), -np.inf)
        # Starts that are still to come have not begun: their share of the weights stands at 1.
        whole = np.logaddexp(np.logaddexp.reduce(by_start, axis=1), np.log(1 - spent[1 + first :]))
        if whole.max() > 0:
            day = int(whole.argmax())
            best, since = float(whole[day]), first + int(by_start[day].argmax())
    before, after = rate([past, *days[:since]]), rate(days[since:])
    return Decline(exp(min(best, 700.0)), exp(-best), since, before, after, len(days))


def _chances(days: Sequence[Day], past: Day) -> list[float]:
    """P(so few clicks or fewer) of each day, given all clicks up to it."""
    clicks, impressions = past.clicks, past.impressions
    found = []
    for day in (past, *days):
        if not 0 <= day.clicks <= day.impressions:
            raise ValueError(f"{day.clicks} clicks of {day.impressions} impressions")
    for day in days:
        clicks, impressions = clicks + day.clicks, impressions + day.impressions
        found.append(at_most(day.clicks, day.impressions, clicks, impressions))
    return found


def rate(days: Sequence[Day]) -> float | None:
    impressions = sum(day.impressions for day in days)
    return sum(day.clicks for day in days) / impressions if impressions else None
