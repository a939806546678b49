"""The contextual belief that serves: what arms' attributes are worth, fitted to a whole shop and put into a snapshot.

`inference.decide.linear` has the model. Here it is kept bounded, so that a fit takes milliseconds and a snapshot fits
into one record however many segments and categories a shop has, and a new arm starts where its attributes and P_conv
of its texts put it, not at the mean of all.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from inference.decide.fit import NOTHING, Place, Tally
from inference.decide.linear import Counts, Expected, Linear, Row, crossed, fit_linear
from schemas.policies import Contextual

# An attribute moves the odds by a third either way; what a segment has of its own, and an arm beyond its attributes, is
# less.
SPREAD, OWN_SPREAD = 0.35, 0.2
# The winner of 64 draws of which 0.05 of the choices are spread evenly: a finer share would cost serve what a draw of
# all attributes costs, eight times over.
DRAWS = 64
# Their covariance is MOST_NAMES^2 / 2 numbers, some 250 kB of a record. Of more, the segments with the fewest trials
# have no weights of their own.
MOST_NAMES = 220
# Each has a level of its own to be fitted; smaller ones share that of their segment.
MOST_CELLS = 300
_DECIMALS = 5

Styles = Mapping[str, Row]
"""Arm -> its attributes."""


def contextual(
    tallies: Mapping[Place, Tally], styles: Styles, sharpness: float, warm: Mapping[str, float] | None = None
) -> Contextual:
    """The belief after these counts. `warm` is where arms begin beyond their attributes, in log-odds.

    `sharpness` makes it as narrow as that many times the counts would (`inference.decide.fit.sharpened`): the variance
    is divided by it. Tallies of what is no arm are left out. The order of tallies plays no part.
    """
    warm = dict(sorted((warm or {}).items()))
    rows = {arm: {**style, _own(arm): 1.0} for arm, style in sorted(styles.items())}
    attributes = sorted({name for row in rows.values() for name in row})
    counted = {place: tally for place, tally in sorted(tallies.items()) if place[2] in rows and tally.trials > 0}
    segments = _segments(counted, MOST_NAMES // max(1, len(attributes)) - 1)
    expected = {name: Expected(0.0, SPREAD) for name in attributes}
    expected |= {_own(arm): Expected(warm.get(arm, 0.0), OWN_SPREAD) for arm in rows}
    expected |= {f"{name}|{segment}": Expected(0.0, OWN_SPREAD) for name in attributes for segment in segments}
    found = fit_linear(_counts(counted, rows, frozenset(segments)), expected)
    factor = np.tril(found.factor) / sharpness**0.5
    return Contextual(
        names=list(found.names),
        mean=[round(float(value), _DECIMALS) for value in found.mean],
        factor=[
            [round(float(value), _DECIMALS) for value in factor[place, : place + 1]]
            for place in range(len(found.names))
        ],
        rows={arm: dict(row) for arm, row in rows.items()},
        draws=DRAWS,
        warm=warm,
    )


class Attributes:
    """A snapshot's belief made ready to draw from, segment by segment."""

    def __init__(self, belief: Contextual) -> None:
        self.draws = belief.draws
        names = belief.names
        factor = np.zeros((len(names), len(names)))
        for place, row in enumerate(belief.factor):
            factor[place, : len(row)] = row
        self._belief = Linear(tuple(names), np.array(belief.mean, np.float64), factor, {})
        self._rows = belief.rows

    def of(self, segment: str, arms: Sequence[str]) -> Linear:
        """The belief for these arms in a segment. An arm that has no attributes stands at the level of its cell."""
        return self._belief.of({arm: crossed(self._rows.get(arm, {}), segment) for arm in arms})


def _own(arm: str) -> str:
    return f"arm:{arm}"


def _segments(counted: Mapping[Place, Tally], most: int) -> list[str]:
    """Those with the most trials, in the order of their names."""
    trials: defaultdict[str, float] = defaultdict(float)
    for (_, segment, _), tally in counted.items():
        trials[segment] += tally.trials
    return sorted(sorted(trials, key=lambda each: (-trials[each], each))[: max(0, most)])


def _counts(counted: Mapping[Place, Tally], rows: Styles, segments: frozenset[str]) -> list[Counts]:
    trials: defaultdict[tuple[str, str], float] = defaultdict(float)
    for (category, segment, _), tally in counted.items():
        trials[category, segment] += tally.trials
    large = frozenset(sorted(trials, key=lambda each: (-trials[each], each))[:MOST_CELLS])
    found: defaultdict[tuple[tuple[str, str], str, str], Tally] = defaultdict(lambda: NOTHING)
    for (category, segment, arm), tally in counted.items():
        # No category is called by an empty name.
        cell = (category, segment) if (category, segment) in large else ("", segment)
        found[cell, segment, arm] = found[cell, segment, arm].plus(tally)
    return [
        Counts(cell, crossed(rows[arm], segment) if segment in segments else rows[arm], each.successes, each.trials)
        for (cell, segment, arm), each in sorted(found.items())
    ]
