"""The lambda curve on real texts: what equation 3 shows as lambda goes from 0 to 1, creativity against conversion.

Nothing is simulated and nobody clicked: diversity is measured on the texts, conversion is what a model of it predicts.
So the curve says what the dial moves, and not what a shop would earn by moving it.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from inference.generate.copyset import Ask
from inference.generate.select import Predict, Standing, ranking
from inference.text.diversity import marginal_diversity, set_diversity
from inference.text.embedder import HashedTfidf
from training.evaluation.intervals import mean

LAMBDAS = tuple(step / 10 for step in range(11))
ALL = "all"


class Candidates(Struct, frozen=True):
    """The texts of one key, all of which passed every gate: their slot texts, without repeats."""

    ask: Ask
    texts: tuple[str, ...]


class Shown(Struct, frozen=True):
    """What one key shows at one lambda: the set's diversity (equation 1) and the mean P_conv of its texts."""

    diversity: float
    p_conv: float


def curve(sets: Sequence[Candidates], predict: Predict, *, active: int, seed: int) -> dict[str, Any]:
    """{category or "all": [{lambda, keys, diversity, p_conv}]}; figures are means over keys with 95 % intervals.

    Of each key the `active` texts that equation 3 ranks first are shown. Keys with no more texts than that are left
    out: there is nothing to choose. The marginal diversity that ranks is that among all texts of the key, as generate
    has it; the diversity that is reported is that of the shown ones.
    """
    chosen = [each for each in sets if len(each.texts) > active]
    shown = [_shown(each, predict, active) for each in chosen]
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(chosen):
        groups[ALL].append(place)
        groups[each.ask.product.category].append(place)
    return {
        name: [
            {
                "lambda": value,
                "keys": len(places),
                "diversity": mean([shown[place][step].diversity for place in places], seed),
                "p_conv": mean([shown[place][step].p_conv for place in places], seed),
            }
            for step, value in enumerate(LAMBDAS)
        ]
        for name, places in sorted(groups.items(), key=lambda group: (group[0] != ALL, group[0]))
    }


def _shown(each: Candidates, predict: Predict, active: int) -> list[Shown]:
    """For each lambda, from 0 to 1."""
    vectors = HashedTfidf().embed(each.texts)
    standings = [
        Standing(text, diversity, predict(text, each.ask.segment))
        for text, diversity in zip(each.texts, marginal_diversity(vectors), strict=True)
    ]
    found = []
    for value in LAMBDAS:
        best = ranking(standings, value)[:active]
        found.append(
            Shown(
                set_diversity([vectors[place] for place in best]) or 0.0,
                sum(standings[place].p_conv or 0.0 for place in best) / active,
            )
        )
    return found
