"""Pairs of texts that a test compared: the same test, the same image, the same segment, different texts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from math import sqrt

from msgspec import Struct

from schemas.arms import Arm

# The two-sided 5 % bound of a normal: the difference is one that the test itself would have called.
DECISIVE = 1.96


class Pair(Struct, frozen=True, gc=False):
    """Two arms by their index. `z` is the statistic of the difference of their click rates, positive where `a` won;
    `size` is how many texts the test compares with one another.
    """

    a: int
    b: int
    z: float
    size: int


class Paired(Struct, frozen=True):
    """Every pair that says something, and how many were left out: click rates equal, or texts the same."""

    pairs: tuple[Pair, ...]
    equal_rates: int
    same_texts: int


def pairs_of(arms: Sequence[Arm]) -> Paired:
    """The pairs of arms that are not excluded. A pair of one and the same text is none: no text can tell them apart."""
    cells: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for index, arm in enumerate(arms):
        if not arm.excluded and arm.impressions > 0:
            cells[arm.test, arm.image, arm.segment].append(index)
    found, equal, same = [], 0, 0
    for cell in cells.values():
        size = len({arms[index].text for index in cell})
        for a, b in combinations(cell, 2):
            z = z_of(arms[a], arms[b])
            if arms[a].text == arms[b].text:
                same += 1
            elif z == 0:
                equal += 1
            else:
                found.append(Pair(a, b, z, size))
    return Paired(tuple(found), equal, same)


def z_of(a: Arm, b: Arm) -> float:
    """(p_a - p_b) / sqrt(p (1 - p) (1 / n_a + 1 / n_b)), p being the rate of both together; 0 where rates are equal."""
    # Compared as whole numbers: two equal rates are equal whatever their divisions round to.
    if a.clicks * b.impressions == b.clicks * a.impressions:
        return 0.0
    rate = (a.clicks + b.clicks) / (a.impressions + b.impressions)
    spread = sqrt(rate * (1 - rate) * (1 / a.impressions + 1 / b.impressions))
    return (a.clicks / a.impressions - b.clicks / b.impressions) / spread


def merged(arms: Iterable[Arm]) -> list[Arm]:
    """Arms with the same text in the same comparison as one, their counts added: to viewers they were the same.

    Excluded arms, and arms that nobody saw, are left out.
    """
    counts: dict[tuple[str, str, str, str, str], list[int]] = {}
    for arm in arms:
        if not arm.excluded and arm.impressions > 0:
            sums = counts.setdefault((arm.test, arm.group, arm.image, arm.segment, arm.text), [0, 0])
            sums[0] += arm.impressions
            sums[1] += arm.clicks
    return [
        Arm(test=test, group=group, image=image, segment=segment, text=text, impressions=shown, clicks=clicked)
        for (test, group, image, segment, text), (shown, clicked) in counts.items()
    ]
