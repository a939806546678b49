"""From posterior draws to probabilities: the one step that serving, the simulator and the bandit evaluation share."""

from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]


def best_shares(draws: Numbers) -> Numbers:
    """(arms, K, ...) -> (arms, ...): the share of the K draws in which each arm is the highest; a tie is the first's.

    Behind the second axis may stand any number of independent places, each judged for itself.
    """
    top, best = draws[0].copy(), np.zeros(draws.shape[1:], np.int8 if len(draws) < 128 else np.int32)
    for place in range(1, len(draws)):
        # One pass over memory an arm: argmax over a leading axis goes in strides, and takes several times as long.
        better = draws[place] > top
        np.copyto(top, draws[place], where=better)
        best[better] = place
    won = np.stack([np.count_nonzero(best == place, axis=0) for place in range(len(draws))])
    return np.asarray(won / draws.shape[1])


def floored(shares: Numbers, epsilon: float) -> Numbers:
    """(1 - epsilon) * share + epsilon / (number of arms): no arm is ever given up. `shares` is (arms, ...)."""
    count = len(shares)
    return np.asarray((1 - epsilon) * shares + epsilon / count if count > 1 else np.ones_like(shares))
