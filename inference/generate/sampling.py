"""Drawing the next token of each row. Pure: logits, what a row may say, and its own random numbers in; tokens out."""

import numpy as np
from numpy.typing import NDArray

from inference.bundle.generation import Sampler

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ids = NDArray[np.int64]


def uniforms(seed: int, count: int) -> NDArray[np.float64]:
    """A row's random numbers in [0, 1), one for each token it may write. They depend on its seed alone."""
    return np.random.default_rng(seed % 2**64).random(count)


def draw(logits: Floats, allowed: Bools, u: NDArray[np.float64], sampler: Sampler) -> Ids:
    """One token a row. `logits` and `allowed` are [rows, vocabulary], `u` one number a row.

    The tokens that are not allowed have no chance. Of the others the `top_k` likeliest are kept, of these the fewest
    that hold `top_p` of the chance (nucleus sampling, Holtzman et al. 2020), and u picks one by the inverse of their
    distribution. Every row is treated by itself, so a row's token does not depend on its neighbours.
    """
    scores = np.where(allowed, logits, -np.inf)
    if sampler.temperature == 0:
        likeliest: Ids = scores.argmax(axis=1)
        return likeliest
    k = min(sampler.top_k, scores.shape[1])
    top = np.argpartition(scores, -k, axis=1)[:, -k:]
    kept = np.take_along_axis(scores, top, axis=1).astype(np.float64)
    # By score, then by id: argpartition leaves equal scores in no order that is promised.
    order = np.lexsort((top, -kept), axis=1)
    top, kept = np.take_along_axis(top, order, axis=1), np.take_along_axis(kept, order, axis=1)
    chances = np.exp((kept - kept[:, :1]) / sampler.temperature)
    chances /= chances.sum(axis=1, keepdims=True)
    before = np.cumsum(chances, axis=1) - chances
    chances[before >= sampler.top_p] = 0.0
    cumulative = np.cumsum(chances, axis=1)
    place = (cumulative <= u[:, None] * cumulative[:, -1:]).sum(axis=1)
    # Rounding may leave u at the very end; the last token with a chance is meant.
    place = np.minimum(place, (chances > 0).sum(axis=1) - 1)
    picked: Ids = np.take_along_axis(top, place[:, None], axis=1)[:, 0]
    return picked
