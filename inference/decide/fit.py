"""Beliefs about arms from counts: what the policy believes after what was counted.

Rates are shrunk level by level, each towards the one above it with the weight of w impressions (empirical-Bayes
shrinkage towards a group's mean: Efron and Morris 1975, doi 10.1080/01621459.1975.10479864). With s successes in n
trials, of all arms, of arm a, of a in category c, and of a in c and segment g:

    m      = (s + 1) / (n + 2)                        all arms (Laplace's rule: never 0 or 1)
    m_a    = (s_a + w m) / (n_a + w)                  the arm anywhere
    m_ca   = (s_ca + w m_a) / (n_ca + w)              the arm in the category
    belief = Beta(s_cga + w m_ca, n_cga - s_cga + w (1 - m_ca))

and an arm in a cell of which nothing is known begins at Beta(w m_a, w (1 - m_a)). Thompson sampling draws from these
(Thompson 1933; Chapelle and Li 2011). With w = 0 nothing is shrunk: Beta(s + 1, n - s + 1), Beta(1, 1) where unknown.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from schemas.policies import Beta, Cell

# Four decimals are finer than any draw can tell, and keep a snapshot of thousands of cells within one record.
DECIMALS = 4
LEAST = 10.0**-DECIMALS


class Tally(Struct, frozen=True):
    """Successes in trials, both counts of decisions; no whole numbers where cohorts are discounted."""

    successes: float
    trials: float

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.successes + other.successes, self.trials + other.trials)


NOTHING = Tally(0, 0)
Place = tuple[str, str, str]
"""(category, segment, arm)."""


class Fit(Struct, frozen=True):
    """What a snapshot says about arms. `trials` is how many decisions it rests on."""

    prior: dict[str, Beta]
    cells: list[Cell]
    trials: float


def fit(tallies: Mapping[Place, Tally], arms: Iterable[str], weight: float, most: int | None = None) -> Fit:
    """Beliefs by the formula above; `weight` is w, in trials.

    Tallies of what is no arm are left out. Every cell names every arm. Of more than `most` cells, those with the fewest
    trials are left to the prior.
    """
    arms = tuple(arms)
    known = set(arms)
    by_arm: defaultdict[str, Tally] = defaultdict(lambda: NOTHING)
    by_category: defaultdict[tuple[str, str], Tally] = defaultdict(lambda: NOTHING)
    by_cell: defaultdict[tuple[str, str], dict[str, Tally]] = defaultdict(dict)
    everything = NOTHING
    for (category, segment, arm), tally in tallies.items():
        if arm in known and tally.trials > 0:
            everything = everything.plus(tally)
            by_arm[arm] = by_arm[arm].plus(tally)
            by_category[category, arm] = by_category[category, arm].plus(tally)
            by_cell[category, segment][arm] = tally
    middle = (everything.successes + 1) / (everything.trials + 2)
    means = {arm: _shrunk(by_arm[arm], middle, weight) for arm in arms}
    cells = [
        Cell(
            category=category,
            segment=segment,
            arms={
                arm: _belief(found.get(arm, NOTHING), _shrunk(by_category[category, arm], means[arm], weight), weight)
                for arm in arms
            },
        )
        for (category, segment), found in _largest(by_cell, most)
    ]
    return Fit({arm: _belief(NOTHING, means[arm], weight) for arm in arms}, cells, everything.trials)


def sharpened(found: Fit, sharpness: float) -> Fit:
    """The same means, each belief as narrow as `sharpness` times the counts would make it.

    Above 1 the policy explores less than its belief's width says, below 1 more: posterior reshaping (Chapelle and Li
    2011, "An empirical evaluation of Thompson sampling", section 3), which pays where traffic is short.
    """
    if sharpness == 1:
        return found

    def sharp(belief: Beta) -> Beta:
        return Beta(
            max(LEAST, round(sharpness * belief.alpha, DECIMALS)), max(LEAST, round(sharpness * belief.beta, DECIMALS))
        )

    return Fit(
        {arm: sharp(belief) for arm, belief in found.prior.items()},
        [
            Cell(
                category=cell.category, segment=cell.segment, arms={arm: sharp(each) for arm, each in cell.arms.items()}
            )
            for cell in found.cells
        ],
        found.trials,
    )


def _largest(
    by_cell: Mapping[tuple[str, str], dict[str, Tally]], most: int | None
) -> list[tuple[tuple[str, str], dict[str, Tally]]]:
    """The cells with the most trials, in the order of their names."""
    ranked = sorted(by_cell.items(), key=lambda each: (-sum(tally.trials for tally in each[1].values()), each[0]))
    return sorted(ranked[:most], key=lambda each: each[0])


def _shrunk(tally: Tally, towards: float, weight: float) -> float:
    trials = tally.trials + weight
    return (tally.successes + weight * towards) / trials if trials else towards


def _belief(tally: Tally, mean: float, weight: float) -> Beta:
    ahead, against = (weight * mean, weight * (1 - mean)) if weight else (1.0, 1.0)
    return Beta(
        max(LEAST, round(tally.successes + ahead, DECIMALS)),
        max(LEAST, round(tally.trials - tally.successes + against, DECIMALS)),
    )
