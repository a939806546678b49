"""What became of one held-out prompt: the texts that were drawn for it, and the one that would be shown."""

from collections.abc import Sequence

from msgspec import Struct

from inference.generate.select import Standing, ranking
from training.objective.reward import gates
from training.objective.scored import Scored

# lambda of equation 3, in the middle: neither side decides alone.
CREATIVITY = 0.5


class Outcome(Struct, frozen=True, kw_only=True):
    """Of one prompt. `sums` are over the texts that pass the gates, by term; `reward` and `shown` count one that fails
    as 0. `shown` is the reward of the text that post-processing lets through (None: none passes, a template stands
    in), `first` that of the first text as it was drawn.
    """

    product_id: str
    texts: int
    passed: int
    reward: float
    sums: dict[str, float]
    shown: float | None
    first: float
    first_passed: bool


def outcome(found: Scored) -> Outcome:
    """The figures of a prompt's drawn texts."""
    passed = [place for place, codes in enumerate(found.codes) if not gates(codes)]
    rewards = [value or 0.0 for value in found.rewards]
    kept = [found.terms[place] for place in passed]
    selected = _selected(found, passed)
    return Outcome(
        product_id=found.row.product.product_id,
        texts=len(rewards),
        passed=len(passed),
        reward=sum(rewards),
        sums={
            "sentiment": sum(each.sentiment for each in kept),
            "diversity": sum(each.diversity for each in kept),
            "cta": sum(each.cta for each in kept),
            "conversion": sum(each.conversion or 0.0 for each in kept),
        },
        shown=None if selected is None else rewards[selected],
        first=rewards[0],
        first_passed=0 in passed,
    )


def _selected(found: Scored, passed: Sequence[int]) -> int | None:
    """The text that equation 3 puts first of those that pass the gates."""
    if not passed:
        return None
    standings = [
        Standing(f"{place:03d}", found.terms[place].diversity, found.terms[place].conversion) for place in passed
    ]
    return passed[ranking(standings, CREATIVITY)[0]]
