"""The probabilities of the eligible arms, and the pick: exact, because the policy *is* its sample of posterior draws.

With K draws from the beliefs about the arms (Thompson 1933, doi 10.1093/biomet/25.3-4.285; Chapelle and Li 2011),

    p(a) = (1 - epsilon) * (share of the K draws in which a is the best eligible arm) + epsilon / (number eligible)

is not an estimate of the policy but the policy itself: the arm is picked from these probabilities, and they are what is
logged. The draws are seeded by names (policy seed, version, category, segment), so every worker, and every replay,
has the same ones.
"""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

import numpy as np
from msgspec import Struct

from inference.decide.hashing import seed_of
from inference.decide.linear import Linear
from inference.decide.shares import best_shares, floored
from schemas.policies import Beta

FLAT = Beta(1.0, 1.0)


class Betas(Struct, frozen=True):
    """Beliefs about arms that have nothing to do with one another. An arm that `cell` lacks has that of `prior`; one
    that neither has may be anything.
    """

    cell: Mapping[str, Beta]
    prior: Mapping[str, Beta]


Belief = Betas | Linear


class Choices(Struct, frozen=True):
    """The eligible arms of a cell, their probabilities, and these added up from the first.

    The last arm that can be drawn ends at 1: sums of floats may stop a hair below it.
    """

    arms: tuple[str, ...]
    probabilities: tuple[float, ...]
    cumulative: tuple[float, ...]

    def pick(self, u: float) -> tuple[str, float]:
        """The arm at `u` in [0, 1), and its propensity."""
        place = place_at(self.cumulative, u)
        return self.arms[place], self.probabilities[place]


def place_at(cumulative: tuple[float, ...], u: float) -> int:
    """Which of some `Choices.cumulative` a number in [0, 1) falls to."""
    return bisect_right(cumulative, u)


def choices_of(arms: tuple[str, ...], probabilities: tuple[float, ...]) -> Choices:
    """Arms with their probabilities, ready to pick from."""
    last = max(place for place, probability in enumerate(probabilities) if probability > 0)
    sums = tuple(accumulate(probabilities[:last]))
    return Choices(arms, probabilities, sums + (1.0,) * (len(arms) - last))


def choices(belief: Belief, seed: tuple[str, ...], eligible: tuple[str, ...], epsilon: float, draws: int) -> Choices:
    """The probabilities of the eligible arms (at least one, in the experiment's order) under either kind of belief.

    `seed` names the policy, its version and the cell. An arm's draws do not depend on which others are eligible.
    """
    if isinstance(belief, Linear):
        drawn = belief.draws(eligible, _rng(*seed), draws)
    else:
        drawn = np.empty((len(eligible), draws))
        for row, arm in enumerate(eligible):
            each = belief.cell.get(arm) or belief.prior.get(arm) or FLAT
            drawn[row] = _rng(*seed, arm).beta(each.alpha, each.beta, draws)
    return choices_of(eligible, tuple(map(float, floored(best_shares(drawn), epsilon))))


def _rng(*names: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed_of(*names)))
