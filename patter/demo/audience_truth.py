"""What the demo's simulated shoppers really think of each arm: the rates that a policy can only estimate."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from inference.decide.assign import CONTROL
from inference.decide.hashing import unit

# The best arm is clicked by at least a quarter of those who see it, and 1.5 to 1.9 times as often as the second best:
# far enough apart that a policy tells them apart from some hundred impressions of a cell.
_BEST = (0.25, 0.35)
_AHEAD = (1.5, 1.9)
_LEAST = 0.05
_ORDERS = (0.08, 0.30)


class Truth(Struct, frozen=True):
    """Of one arm in one (category, segment): clicks per impression, and orders per click."""

    ctr: float
    order_per_click: float

    @property
    def order_per_impression(self) -> float:
        """Only who has clicked orders."""
        return self.ctr * self.order_per_click


class TruthTable:
    """The truth of every (category, segment, arm). A function of these names and the seed alone, whoever asks when.

    Which arm is the best differs from cell to cell; the control is second at most. Simulated: no shop's figures are
    behind it.
    """

    def __init__(self, seed: int, arms: Sequence[str]) -> None:
        if not arms:
            raise ValueError("an experiment has at least one arm")
        self._seed = str(seed)
        self.arms: tuple[str, ...] = tuple(arms)
        self._cells: dict[tuple[str, str], Mapping[str, Truth]] = {}

    def of(self, category: str, segment: str) -> Mapping[str, Truth]:
        """Arm -> its truth in this cell."""
        key = (category, segment)
        found = self._cells.get(key)
        if found is None:
            found = self._cells[key] = self._draw(category, segment)
        return found

    def best(self, category: str, segment: str) -> str:
        """The arm with the highest true CTR."""
        cell = self.of(category, segment)
        return max(cell, key=lambda arm: cell[arm].ctr)

    def _draw(self, category: str, segment: str) -> Mapping[str, Truth]:
        def between(limits: tuple[float, float], what: str, arm: str = "") -> float:
            low, high = limits
            return low + (high - low) * unit(self._seed, what, category, segment, arm)

        ranked = sorted(self.arms, key=lambda arm: unit(self._seed, "rank", category, segment, arm))
        if ranked[0] == CONTROL and len(ranked) > 1:
            # Where the template won, the demo would have nothing to show but templates.
            ranked[:2] = reversed(ranked[:2])
        first = between(_BEST, "best")
        second = first / between(_AHEAD, "ahead")
        ctrs = [first, second, *(between((_LEAST, second), "ctr", arm) for arm in ranked[2:])]
        # An experiment of one arm has no second: zip drops it.
        by_arm = dict(zip(ranked, ctrs, strict=False))
        return {arm: Truth(by_arm[arm], between(_ORDERS, "orders", arm)) for arm in self.arms}
