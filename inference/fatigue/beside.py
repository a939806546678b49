"""Does a click rate decline beside others that are shown on the same days? What all lose together is no decline.

Let every day have a factor of its own, in common to the arm and the others: a weekend, another mix of shoppers. Of the
clicks of a day, given how many there are of both, the arm's are then binomial, and the odds of one rest on impressions
and on r, the arm's rate over theirs, alone. Held against the clicks of all days before, r drops out as well: given the
arm's clicks up to the day, those of the day have Fisher's noncentral hypergeometric distribution, the odds being how
much more of the looks the arm had on the day than before. (Clicks are taken for rare enough to be Poisson, and the
arm's share of the looks for much the same on the days before, which are summed.) Its chances of so few go into the
martingale of decline.py.
"""

from collections.abc import Sequence

from inference.fatigue.chances import at_most_by_odds
from inference.fatigue.decline import NONE, Day, Decline, rate, tested


def decline_beside(
    days: Sequence[Day], others: Sequence[Day], past: Day = NONE, others_past: Day = NONE
) -> Decline | None:
    """Test an arm against all others of its place on the same days, after the sums of all days before.

    `before` and `after` are the arm's own rates. None where the others have no clicks to compare with. Raises
    ValueError where the numbers of days differ.
    """
    if len(days) != len(others):
        raise ValueError(f"{len(days)} days against {len(others)}")
    if not others_past.clicks + sum(day.clicks for day in others):
        return None
    chances = []
    own, theirs = past, others_past
    for day, other in zip(days, others, strict=True):
        chances.append(_chance(day, other, own, theirs))
        own, theirs = _plus(own, day), _plus(theirs, other)
    return tested(chances, days, past)


def against(
    days: Sequence[Day], others: Sequence[Day], since: int, past: Day = NONE, others_past: Day = NONE
) -> float | None:
    """By how much the rate from the day `since` on has changed more than that of the others: a ratio of ratios.

    Below 1 the arm has lost more than they have. None where it cannot be told.
    """
    before, after = rate([past, *days[:since]]), rate(days[since:])
    others_before, others_after = rate([others_past, *others[:since]]), rate(others[since:])
    if after is None or not before or not others_before or not others_after:
        return None
    return (after / before) / (others_after / others_before)


def _chance(day: Day, other: Day, own: Day, theirs: Day) -> float:
    """P(so few of the day's clicks or fewer are the arm's), given its clicks up to the day."""
    if not (day.impressions and other.impressions and own.impressions and theirs.impressions):
        return 1.0
    odds = (day.impressions / other.impressions) / (own.impressions / theirs.impressions)
    marked, drawn = own.clicks + day.clicks, day.clicks + other.clicks
    return at_most_by_odds(day.clicks, drawn, marked, own.clicks + theirs.clicks + drawn, odds)


def _plus(one: Day, other: Day) -> Day:
    return Day(one.clicks + other.clicks, one.impressions + other.impressions)
