"""Thompson sampling in batches on arms whose rates are known, many tests and repeats at once.

The policy is that of serving: an arm's belief is Beta(s + w m_a, n - s + w (1 - m_a)) (`inference.decide.fit`), its
probability the share of K posterior draws in which it is the best (`inference.decide.shares`), and what is learned
between two batches is used in the second. Only the counting is not by name but by array.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from inference.decide.shares import best_shares, floored
from inference.decide.warm import Prior, moved

Numbers = np.ndarray[Any, np.dtype[Any]]

# Arms x draws x repeats of tests worked on at once: as much as stays in a core's second-level cache, as 4-byte floats.
AT_ONCE = 60_000


class Rules(Struct, frozen=True, kw_only=True):
    """How each test is run: its impressions in `batches` equal parts, `repeats` times; `draws` is K, and `epsilon` the
    share that is spread evenly.
    """

    batches: int
    repeats: int
    draws: int
    epsilon: float = 0.0


class Race(Struct, frozen=True):
    """One test: the true rates of its arms, its impressions, its prior, and each arm's score less their mean."""

    rates: Sequence[float]
    impressions: int
    prior: Prior
    scores: Sequence[float]


Each = Callable[[Callable[[int], Numbers], Iterable[int]], Iterable[Numbers]]
"""`map`, or that of a pool of threads: parts have chance of their own, so the outcome is the same."""


def expected_clicks(races: Sequence[Race], rules: Rules, seed: int, each: Each = map) -> Numbers:
    """(tests, repeats): the clicks that are expected of what was shown, by the true rates."""
    found = np.zeros((len(races), rules.repeats))
    flat = [min(race.rates) == max(race.rates) for race in races]
    # Where arms have one rate, whatever is shown earns the same.
    found[flat] = np.array([race.impressions * race.rates[0] for race in races])[flat, None]
    parts = list(_parts([place for place in range(len(races)) if not flat[place]], races, rules))

    def run(number: int) -> Numbers:
        rng = np.random.Generator(np.random.SFC64([seed, number]))
        return _run([races[place] for place in parts[number]], rules, rng)

    for places, clicks in zip(parts, each(run, range(len(parts))), strict=True):
        found[places] = clicks
    return found


def _parts(places: Sequence[int], races: Sequence[Race], rules: Rules) -> Iterator[list[int]]:
    """Tests with the same number of arms, as many at once as AT_ONCE says."""
    by_arms: dict[int, list[int]] = {}
    for place in places:
        by_arms.setdefault(len(races[place].rates), []).append(place)
    for arms, alike in sorted(by_arms.items()):
        step = max(1, AT_ONCE // (arms * rules.draws * rules.repeats))
        for start in range(0, len(alike), step):
            yield alike[start : start + step]


def _run(races: Sequence[Race], rules: Rules, rng: np.random.Generator) -> Numbers:
    """One part: arrays are (arms, tests, repeats), or (tests, repeats) where arms are added up."""
    rates = np.array([race.rates for race in races]).T[:, :, None]
    shifts = np.array([[race.prior.slope * score for score in race.scores] for race in races]).T[:, :, None]
    weights = np.array([race.prior.evidence for race in races])[:, None]
    before = np.array([1.0 / race.prior.usual for race in races])[:, None]
    sharp = np.array([race.prior.sharpness for race in races])[:, None]
    totals = np.array([race.impressions for race in races])
    shown = np.zeros((len(rates), len(races), rules.repeats))
    clicked = np.zeros_like(shown)
    # The odds of arms with equal shifts are those of the level itself.
    moves = bool(shifts.any())
    for batch in range(rules.batches):
        size = totals * (batch + 1) // rules.batches - totals * batch // rules.batches
        level = (clicked.sum(axis=0) + 1.0) / (shown.sum(axis=0) + before)
        means = moved(level[None], shifts) if moves else level[None]
        ahead, against = weights * means + clicked, weights * (1 - means) + (shown - clicked)
        probabilities = floored(best_shares(_odds(sharp * ahead, sharp * against, rules.draws, rng)), rules.epsilon)
        given = _given(probabilities, size[:, None], rng)
        shown += given
        clicked += rng.binomial(given.astype(np.int64), np.broadcast_to(rates, given.shape))
    return np.asarray((shown * rates).sum(axis=0))


def _odds(ahead: Numbers, against: Numbers, draws: int, rng: np.random.Generator) -> Numbers:
    """(arms, draws, tests, repeats) of draws of p / (1 - p), p being Beta(ahead, against): they rank as p does.

    A Beta is a ratio of two Gammas.
    """
    shape = (len(ahead), draws, *np.broadcast_shapes(ahead.shape, against.shape)[1:])
    found = rng.standard_gamma(ahead[:, None], shape, dtype=np.float32)
    found /= rng.standard_gamma(against[:, None], shape, dtype=np.float32)
    return found


def _given(probabilities: Numbers, size: Numbers, rng: np.random.Generator) -> Numbers:
    """Whole impressions for each arm, `size * p` of them on average: the ends of the arms' stretches of a batch, laid
    off against points one apart that begin at random (systematic sampling).
    """
    ends = np.cumsum(probabilities, axis=0) * size
    # Sums of floats may stop a hair below the whole.
    ends[-1] = np.broadcast_to(size, ends[-1].shape)
    return np.asarray(np.diff(np.floor(ends + rng.random(ends.shape[1:])), axis=0, prepend=0.0))
