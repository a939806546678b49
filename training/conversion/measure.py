"""How well scores tell which of two texts did better, with intervals over groups; how far probabilities hold."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from training.conversion.design import Matrix
from training.conversion.pairs import DECISIVE
from training.evaluation.intervals import ratio

BINS = 10
"""Of equal width, over the probability of the likelier text, 0.5..1."""


class Judged(Struct, frozen=True):
    """Pairs that were measured: their group, their z, and by model the difference of scores, first less second."""

    groups: list[str]
    z: Matrix
    differences: dict[str, Matrix]


def report(judged: Judged, model: str, seed: int) -> dict[str, Any]:
    """`accuracy`, `decisive_accuracy`, `baselines`, `over` (what the model has above each baseline), `ece`, `brier`.

    Accuracy is the share of pairs whose winner has the higher score; equal scores count a half. Intervals are 95 %, by
    resampling groups, since the pairs of a test, and the tests of a group, are not independent. The probability that
    is judged is sigmoid(difference).
    """
    groups = np.unique(judged.groups, return_inverse=True)[1]
    sure = np.abs(judged.z) > DECISIVE
    hits = {name: _hits(difference, judged.z) for name, difference in judged.differences.items()}

    def figure(values: Matrix, kept: Any) -> dict[str, Any]:
        sums, counts = np.bincount(groups[kept], values[kept]), np.bincount(groups[kept])
        return _plain(ratio([float(x) for x in sums], [float(x) for x in counts], seed))

    everything = np.ones(len(sure), bool)

    def both(values: Matrix) -> dict[str, Any]:
        return {"accuracy": figure(values, everything), "decisive_accuracy": figure(values, sure)}

    rivals = [name for name in hits if name != model]
    chance = 1 / (1 + np.exp(-judged.differences[model]))
    return {
        "pairs": len(sure),
        "accuracy": figure(hits[model], everything),
        "decisive_pairs": int(sure.sum()),
        "decisive_accuracy": figure(hits[model], sure),
        "baselines": {name: both(hits[name]) for name in rivals},
        "over": {name: both(hits[model] - hits[name]) for name in rivals},
        "ece": ece(chance, judged.z > 0),
        "brier": float(np.mean((chance - (judged.z > 0)) ** 2)),
        "groups": len(set(judged.groups)),
    }


def ece(chance: Sequence[float] | Matrix, won: Any) -> float:
    """Expected calibration error: |share that won - mean probability| in each of `BINS` bins, by their share of pairs
    (Naeini et al. 2015, doi 10.1609/aaai.v29i1.9602). Which text comes first says nothing, so pairs are turned to have
    the likelier one first.
    """
    first = np.asarray(chance) >= 0.5
    sure, right = np.where(first, chance, 1 - np.asarray(chance)), np.asarray(won) == first
    place = np.minimum(((sure - 0.5) * 2 * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(place, sure, BINS) - np.bincount(place, right, BINS))
    return float(gaps.sum() / len(sure))


def _hits(difference: Matrix, z: Matrix) -> Matrix:
    return np.where(difference == 0, 0.5, (difference > 0) == (z > 0))


def _plain(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(value)
    return found
