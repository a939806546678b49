"""How good the policy's choices were, held against the truth of the simulated audience."""

from array import array
from collections.abc import Mapping
from datetime import datetime

import msgspec
import numpy as np
from msgspec import Struct

from inference.decide.intervals import wilson
from patter.demo.audience_truth import TruthTable
from patter.demo.recount_figures import percentile, rounded

# Below this many decisions the shares say more about chance than about the policy.
LEAST_DECISIONS = 500
FIFTHS = 5


class Choice(Struct, frozen=True, gc=False):
    """The members of a decision record that say what was chosen, from what."""

    time: datetime
    category: str | None
    action: str
    segment: str
    arm: str | None
    eligible: dict[str, float]
    policy_version: int


_decoder = msgspec.json.Decoder(Choice)


class BestShares(Struct, frozen=True, kw_only=True):
    """Share of choices that were the best arm, in the first and the last fifth by time; `last_low` is the lower end of
    its 95 % interval. Regret is in expected clicks per 1000 decisions: of the policy, and of one that picks evenly. All
    null under 500 decisions.
    """

    decisions: int
    first: float | None = None
    last: float | None = None
    last_low: float | None = None
    regret_per_1000: float | None = None
    uniform_regret_per_1000: float | None = None


class Regret:
    """Adds up choices. Only those count for which something was shown and every arm could have been."""

    def __init__(self, truth: TruthTable) -> None:
        self._truth = truth
        self._arms = frozenset(truth.arms)
        self._times_s = array("d")
        self._best = array("b")
        self._versions = array("q")
        self._lost = 0.0
        self._lost_evenly = 0.0

    def add(self, value: bytes | None) -> None:
        """A decision record, each decision once. Raises msgspec.MsgspecError, UnicodeDecodeError where it is none."""
        self.choice(_decoder.decode(value or b""))

    def choice(self, choice: Choice) -> None:
        """A choice that was decoded elsewhere."""
        arm, category = choice.arm, choice.category
        if choice.action != "show" or category is None or arm is None or choice.eligible.keys() != self._arms:
            return
        ctrs = {name: truth.ctr for name, truth in self._truth.of(category, choice.segment).items()}
        highest = max(ctrs.values())
        self._times_s.append(choice.time.timestamp())
        self._best.append(ctrs[arm] == highest)
        self._versions.append(choice.policy_version)
        self._lost += highest - ctrs[arm]
        self._lost_evenly += highest - sum(ctrs.values()) / len(ctrs)

    def recent(self, number: int) -> float | None:
        """The best arm's share of the last `number` choices that were added; None before there are so many."""
        if len(self._best) < number:
            return None
        return sum(self._best[-number:]) / number

    def policy_age_s(self, created_ms: Mapping[int, int]) -> float | None:
        """The median age of the policy that chose, given when each version was made; None where none is known."""
        ages = [
            time_s - created_ms[version] / 1000
            for time_s, version in zip(self._times_s, self._versions, strict=True)
            if version in created_ms
        ]
        return percentile(sorted(ages), 0.5)

    def shares(self) -> BestShares:
        """Everything so far."""
        decisions = len(self._best)
        if decisions < LEAST_DECISIONS:
            return BestShares(decisions=decisions)
        in_time = np.argsort(np.array(self._times_s), kind="stable")
        best = np.array(self._best)[in_time]
        fifth = decisions // FIFTHS
        won = int(best[-fifth:].sum())
        return BestShares(
            decisions=decisions,
            first=rounded(int(best[:fifth].sum()) / fifth, 4),
            last=rounded(won / fifth, 4),
            last_low=rounded(wilson(won, fifth)[0], 4),
            regret_per_1000=rounded(1000 * self._lost / decisions, 2),
            uniform_regret_per_1000=rounded(1000 * self._lost_evenly / decisions, 2),
        )
