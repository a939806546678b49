"""How long successes take: which share of a cohort's clicks has come in by its age.

A cohort of decisions that is five minutes old has few of its clicks. Taken at its word it would count against the arm
that was shown most of late, which is the one that the policy likes. So its trials weigh as the share F(age) of
successes that cohorts of its age have (Chapelle 2014, doi 10.1145/2623330.2623634, models the same for conversions):

    n_eff = n * F(age)

An arm's successes over n_eff then estimate the rate that it will have come to.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from msgspec import Struct


class Aged(Struct, frozen=True):
    """A cohort now: how long ago its decisions were, in ms (the middle of its bucket), and its counts so far."""

    age_ms: int
    successes: float
    trials: float


class DelayCurve(Struct, frozen=True):
    """F at some ages, in ms, both ascending; straight lines between them, from 0 at age 0, and the last beyond."""

    ages_ms: tuple[int, ...]
    shares: tuple[float, ...]

    def share(self, age_ms: float) -> float:
        """F(age), 0..1."""
        if age_ms <= 0 or not self.ages_ms:
            return 0.0 if self.ages_ms else 1.0
        place = bisect_right(self.ages_ms, age_ms)
        if place == len(self.ages_ms):
            return self.shares[-1]
        before, low = (self.ages_ms[place - 1], self.shares[place - 1]) if place else (0, 0.0)
        return low + (self.shares[place] - low) * (age_ms - before) / (self.ages_ms[place] - before)


AT_ONCE = DelayCurve((), ())
"""Nothing is ever late: what holds where no curve could be learned."""


def delay_curve(cohorts: Iterable[Aged], mature_ms: int, least: float = 100.0) -> DelayCurve:
    """The curve that cohorts of different ages show; those of `mature_ms` and more have all their successes.

    Rates of the younger ones, over the rate of the mature ones, made monotone by pooling neighbours weighted by
    trials, which is the likeliest monotone curve (Ayer et al. 1955, doi 10.1214/aoms/1177728423). Where mature
    cohorts have fewer than `least` successes there is nothing to measure by, and the curve is AT_ONCE. It holds
    cohorts of other days against each other: where the rate itself has moved within `mature_ms`, the curve is off by
    as much.
    """
    young: dict[int, list[float]] = {}
    whole = [0.0, 0.0]
    for each in cohorts:
        if each.trials > 0:
            into = whole if each.age_ms >= mature_ms else young.setdefault(each.age_ms, [0.0, 0.0])
            into[0] += each.successes
            into[1] += each.trials
    if whole[0] < least:
        return AT_ONCE
    rate = whole[0] / whole[1]
    ages = sorted(age for age in young if age > 0)
    levels = [*(young[age][0] / young[age][1] for age in ages), rate]
    pooled = monotone(levels, [*(young[age][1] for age in ages), whole[1]])
    return DelayCurve((*ages, mature_ms), (*(min(1.0, level / rate) for level in pooled[:-1]), 1.0))


def monotone(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence closest to `values` by weighted squares: neighbours that fall are pooled."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            last = blocks.pop()
            total = last[1] + block[1]
            mean = (last[0] * last[1] + block[0] * block[1]) / total
            block = (mean, total, last[2] + block[2])
        blocks.append(block)
    return [value for value, _, count in blocks for _ in range(count)]
