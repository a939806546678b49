"""Thompson sampling whose propensities are exact, because the policy *is* its sample of posterior draws.

With K draws from each arm's Beta posterior (Thompson 1933, doi 10.1093/biomet/25.3-4.285; Chapelle and Li 2011),

    p(a) = (1 - epsilon) * (share of the K draws in which a is the best eligible arm) + epsilon / (number eligible)

is not an estimate of the policy but the policy itself: the arm is picked from these probabilities, and they are what is
logged. The draws are seeded by policy version and cell, so every worker, and every replay, has the same ones.
"""

from bisect import bisect_right
from hashlib import blake2b
from itertools import accumulate

import numpy as np
from msgspec import Struct

from inference.decide.hashing import seed_of, unit_of
from schemas.policies import Beta, PolicySnapshot

# A (category, segment) of a large shop times its eligible sets; past that the memo starts anew rather than grow.
MEMO_ENTRIES = 50_000
_FLAT = Beta(1.0, 1.0)


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


class Policy:
    """A snapshot made ready to choose: probabilities are computed once per (cell, eligible set)."""

    def __init__(self, snapshot: PolicySnapshot) -> None:
        self.snapshot = snapshot
        self.version = snapshot.version
        self._seed = snapshot.seed
        self.key = blake2b(snapshot.seed.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self._keyed = blake2b(digest_size=8, key=self.key)
        self._cells = {(cell.category, cell.segment): cell.arms for cell in snapshot.cells}
        self._memo: dict[tuple[str, str, tuple[str, ...]], Choices] = {}

    def choices(self, category: str, segment: str, eligible: tuple[str, ...]) -> Choices:
        """The probabilities of the eligible arms (at least one, in the experiment's order)."""
        key = (category, segment, eligible)
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= MEMO_ENTRIES:
                self._memo.clear()
            found = self._memo[key] = self._compute(category, segment, eligible)
        return found

    def conversion_version(self, bundles: str | None) -> str | None:
        """The version of the P_conv that ranks copy under this policy, where that of the bundle's own is `bundles`.

        A refit of another bundle's model is none of this one's. For the record only: nothing is drawn by it.
        """
        fit = self.snapshot.conversion
        return self.snapshot.conversion_version if fit is not None and fit.base == bundles else bundles

    def draw(self, decision_id: bytes) -> float:
        """The number in [0, 1) that picks the arm of a decision: 53 bits of keyed BLAKE2b of its id."""
        keyed = self._keyed.copy()
        keyed.update(decision_id)
        return unit_of(keyed.digest())

    def _compute(self, category: str, segment: str, eligible: tuple[str, ...]) -> Choices:
        count = len(eligible)
        cell = self._cells.get((category, segment), {})
        draws = np.empty((count, self.snapshot.draws))
        for row, arm in enumerate(eligible):
            belief = cell.get(arm) or self.snapshot.prior.get(arm) or _FLAT
            seed = seed_of(self._seed, str(self.version), category, segment, arm)
            draws[row] = np.random.Generator(np.random.PCG64(seed)).beta(belief.alpha, belief.beta, self.snapshot.draws)
        wins = np.bincount(draws.argmax(axis=0), minlength=count)
        epsilon, total = self.snapshot.epsilon, self.snapshot.draws
        shares = tuple(float((1 - epsilon) * int(won) / total + epsilon / count) if count > 1 else 1.0 for won in wins)
        return choices_of(eligible, shares)


def fixed_prior(
    *,
    version: int,
    experiment: str,
    arms: tuple[str, ...],
    epsilon: float,
    draws: int,
    created_ms: int,
    by: str,
    why: str,
) -> PolicySnapshot:
    """A snapshot that has learned nothing yet: the same belief for every arm, so every arm is as likely as the next."""
    return PolicySnapshot(
        version=version,
        experiment=experiment,
        created_ms=created_ms,
        seed=f"{experiment}:{version}",
        epsilon=epsilon,
        draws=draws,
        prior=dict.fromkeys(arms, _FLAT),
        by=by,
        why=why,
    )
