"""Drawing the next token of each row. Pure: logits, what a row may say, and its own random numbers in; tokens out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.bundle.generation import Sampler

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ids = NDArray[np.int64]

# Groups of tokens for each of the k that are looked for: with three, about 1.2 k tokens reach the bound.
_GROUPS = 3
# exp(-1e-3 / _COLDEST) is far below what a float can hold beside 1.
_COLDEST = 1e-6
_LOWEST = np.finfo(np.float32).min


def uniforms(seed: int, count: int) -> NDArray[np.float64]:
    """A row's random numbers in [0, 1), one for each token it may write. They depend on its seed alone."""
    return np.random.default_rng(seed % 2**64).random(count)


class Drawn(NamedTuple):
    """One token a row, and the chance that the model itself gives it, [rows]."""

    tokens: Ids
    chance: NDArray[np.float64]


def draw(logits: Floats, bars: Floats, u: NDArray[np.float64], said: Ids, sampler: Sampler) -> Drawn:
    """One token a row. `logits` and `bars` are [rows, vocabulary], `u` and `said` one number a row.

    `said` is how many tokens a row has; it decides between the sampler's two temperatures.

    `bars` is 0 where a row may say a token and minus infinity where it may not: these have no chance. Of the others the
    `top_k` likeliest are kept, of these the fewest that hold `top_p` of the chance (nucleus sampling, Holtzman et al.
    2020), and u picks one by the inverse of their distribution. Every row is treated by itself, so a row's token does
    not depend on its neighbours.
    """
    scores = logits + bars
    top, kept = _likeliest(scores, min(sampler.top_k, scores.shape[1]))
    later = sampler.temperature if sampler.later is None else sampler.later
    temperatures = np.where(said < sampler.opening, sampler.temperature, later)[:, None]
    # So cold that all but equals of the likeliest have no chance, and u = 0 takes the one of the lowest id.
    u = np.where(temperatures[:, 0] == 0, 0.0, u)
    chances = np.exp((kept - kept[:, :1]) / np.maximum(temperatures, _COLDEST))
    chances /= chances.sum(axis=1, keepdims=True)
    before = chances.cumsum(axis=1) - chances
    chances[before >= sampler.top_p] = 0.0
    cumulative = chances.cumsum(axis=1)
    place = (cumulative <= u[:, None] * cumulative[:, -1:]).sum(axis=1)
    # Rounding may leave u at the very end; the last token with a chance is meant.
    place = np.minimum(place, (chances > 0).sum(axis=1) - 1)
    across = np.arange(len(top))
    return Drawn(top[across, place], _own_chance(logits, kept, kept[across, place]))


def _own_chance(logits: Floats, kept: NDArray[np.float64], picked: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the model gave a token before anything was barred, [rows].

    The sum is over the likeliest that were allowed, and the likeliest of all where that one was barred: what else there
    is weighs little, and to add up a whole vocabulary at every step would cost a seventh of the time.
    """
    most = logits.max(axis=1).astype(np.float64)
    whole = np.exp(kept - most[:, None]).sum(axis=1) + (kept[:, 0] < most)
    chance: NDArray[np.float64] = np.exp(picked - most) / whole
    return chance


def _likeliest(scores: Floats, k: int) -> tuple[Ids, NDArray[np.float64]]:
    """The k tokens of the highest scores in each row, and these: [rows, k], by score, then by id.

    A row in which fewer have a chance is filled up with minus infinity.
    """
    rows, size = scores.shape
    groups = _GROUPS * k
    depth = size // groups
    if depth < 2:
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return order, scores[np.arange(rows)[:, None], order].astype(np.float64)
    # The k-th highest of the groups' maxima is a bound that at least k tokens reach, so only these have to be sorted.
    maxima = scores[:, : groups * depth].reshape(rows, depth, groups).max(axis=1)
    maxima.partition(groups - k, axis=1)
    bound = np.maximum(maxima[:, groups - k, None], _LOWEST)
    row, token = np.divmod(np.flatnonzero(scores >= bound), size)
    ends = np.bincount(row, minlength=rows).cumsum()
    place = np.arange(len(row)) - (ends - np.bincount(row, minlength=rows))[row]
    width = max(k, int(place.max()) + 1)
    near = np.full((rows, width), -np.inf, np.float32)
    near[row, place] = scores[row, token]
    tokens = np.zeros((rows, width), np.int64)
    tokens[row, place] = token
    # Within a row the tokens stand by id, and a stable sort leaves equal scores so.
    order = np.argsort(-near, axis=1, kind="stable")[:, :k]
    across = np.arange(rows)[:, None]
    return tokens[across, order], near[across, order].astype(np.float64)
