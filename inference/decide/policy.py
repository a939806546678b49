"""The policy that serve holds: a snapshot made ready to choose, by Thompson sampling with exact propensities
(`inference.decide.choices`).
"""

from collections.abc import Iterable
from hashlib import blake2b

from inference.decide.choices import FLAT, Belief, Betas, Choices, choices
from inference.decide.contextual import Attributes
from inference.decide.hashing import unit_of
from schemas.policies import Beta, Cell, PolicySnapshot

# A (category, segment) of a large shop times its eligible sets; past that the memo starts anew rather than grow.
MEMO_ENTRIES = 50_000


_Cells = dict[tuple[str, str], dict[str, Beta]]
_Beliefs = tuple[dict[str, Beta], _Cells]


def _by_place(cells: Iterable[Cell]) -> _Cells:
    return {(cell.category, cell.segment): cell.arms for cell in cells}


class Policy:
    """A snapshot made ready to choose: probabilities are computed once per (cell, eligible set)."""

    def __init__(self, snapshot: PolicySnapshot) -> None:
        self.snapshot = snapshot
        self.version = snapshot.version
        self._seed = snapshot.seed
        self.key = blake2b(snapshot.seed.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self._keyed = blake2b(digest_size=8, key=self.key)
        self._beliefs: dict[str | None, _Beliefs] = {None: (snapshot.prior, _by_place(snapshot.cells))}
        self._beliefs.update((trial.experiment, (trial.prior, _by_place(trial.cells))) for trial in snapshot.trials)
        self._attributes = Attributes(snapshot.contextual) if snapshot.contextual is not None else None
        self._memo: dict[tuple[str, str, tuple[str, ...], str | None], Choices] = {}

    def choices(self, category: str, segment: str, eligible: tuple[str, ...], trial: str | None = None) -> Choices:
        """The probabilities of the eligible arms (at least one, in the experiment's order).

        `trial` is the adaptive experiment that has the shopper; None for the settings' own, whose beliefs also hold for
        a trial of which nothing is believed yet.
        """
        whose = trial if trial in self._beliefs else None
        key = (category, segment, eligible, whose)
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= MEMO_ENTRIES:
                self._memo.clear()
            found = self._memo[key] = self._compute(category, segment, eligible, whose)
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

    def _compute(self, category: str, segment: str, eligible: tuple[str, ...], whose: str | None) -> Choices:
        belief, draws = self._belief(category, segment, eligible, whose)
        # Draws for the settings' own have the seed that they always had.
        seed = (self._seed, str(self.version), category, segment, *(() if whose is None else (whose,)))
        return choices(belief, seed, eligible, self.snapshot.epsilon, draws)

    def _belief(self, category: str, segment: str, eligible: tuple[str, ...], whose: str | None) -> tuple[Belief, int]:
        """What is believed of the arms, and how often it is drawn from."""
        if whose is None and self._attributes is not None:
            return self._attributes.of(segment, eligible), self._attributes.draws
        prior, cells = self._beliefs[whose]
        return Betas(cells.get((category, segment), {}), prior), self.snapshot.draws


def seed_of_version(experiment: str, version: int) -> str:
    """What draws and picks of a version are seeded with: two versions with the same beliefs draw anew."""
    return f"{experiment}:{version}"


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
        seed=seed_of_version(experiment, version),
        epsilon=epsilon,
        draws=draws,
        prior=dict.fromkeys(arms, FLAT),
        by=by,
        why=why,
    )
