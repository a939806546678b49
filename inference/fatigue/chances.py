"""Chances of so few or fewer: the hypergeometric distribution, and Fisher's noncentral one, exact."""

from math import exp, lgamma

import numpy as np

# What adds less than this share to a sum is left out.
_NOTHING = 1e-17


def at_most(found: int, drawn: int, marked: int, whole: int) -> float:
    """P(X <= found) where `drawn` are taken from `whole`, of which `marked` count: exact."""
    least, most = max(0, drawn - (whole - marked)), min(drawn, marked)
    if found >= most:
        return 1.0
    if found < least:
        return 0.0
    # Above the mode the upper tail is the shorter sum.
    upper = found * (whole + 2) > (drawn + 1) * (marked + 1)
    at = found + 1 if upper else found
    total = term = 1.0
    first = _log_chance(at, drawn, marked, whole)
    while term > _NOTHING * total and (at < most if upper else at > least):
        if upper:
            term *= (marked - at) * (drawn - at) / ((at + 1) * (whole - marked - drawn + at + 1))
        else:
            term *= at * (whole - marked - drawn + at) / ((marked - at + 1) * (drawn - at + 1))
        at += 1 if upper else -1
        total += term
    tail = total * exp(first)
    return min(1.0, max(0.0, 1 - tail if upper else tail))


def _log_chance(found: int, drawn: int, marked: int, whole: int) -> float:
    return _choose(marked, found) + _choose(whole - marked, drawn - found) - _choose(whole, drawn)


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def at_most_by_odds(found: int, drawn: int, marked: int, whole: int, odds: float) -> float:
    """P(X <= found) where what counts is drawn `odds` times as readily as the rest (Fisher's noncentral hypergeometric
    distribution: Fog 2008, doi 10.1080/03610910701790269). With odds of 1 it is `at_most`.
    """
    least, most = max(0, drawn - (whole - marked)), min(drawn, marked)
    if found >= most:
        return 1.0
    if found < least:
        return 0.0
    at = np.arange(least, most, dtype=float)
    steps = (marked - at) * (drawn - at) / ((at + 1) * (whole - marked - drawn + at + 1)) * odds
    logs = np.concatenate([[0.0], np.cumsum(np.log(steps))])
    weights = np.exp(logs - logs.max())
    return min(1.0, float(weights[: found - least + 1].sum() / weights.sum()))
