"""What lambda costs where creativity costs clicks: by construction, to see equation 3 trade one against the other.

For each (product, segment) some texts are made up as vectors: each is a common direction and a part of its own, and
the larger that part, the less it is like the others, and the lower its true click rate. Nothing is measured on text
here, and nothing says that creative copy does worse; how D and the rates go together on real text is another
question.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from inference.generate.select import Standing, ranking
from inference.simulate.world import CATEGORIES, SEGMENTS, Numbers, sigmoid

STEPS = tuple(step / 10 for step in range(11))


class Sweep(Struct, frozen=True, kw_only=True):
    """How texts are made up. `candidates` for each key, of which `shown` are; `cost` is what all of a text's own part
    takes from the log-odds of a click, `blur` how far P_conv is from the truth, in log-odds (a standard deviation).
    """

    products: int = 50
    candidates: int = 8
    shown: int = 2
    cost: float = 1.5
    blur: float = 0.5


def lambda_curve(sweep: Sweep, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """A row for each category and lambda, and for `all`: `diversity` is the mean D_i of what is shown among its
    candidates, `ctr` and `order_per_impression` its true rates; each with a 95 % interval over seeds.
    """
    names = (*CATEGORIES, "all")
    found = np.stack([_shop(sweep, seed) for seed in seeds])
    found = np.concatenate([found, found.mean(axis=1, keepdims=True)], axis=1)
    drawn = np.random.default_rng(len(seeds)).integers(0, len(seeds), (2_000, len(seeds)))
    rows = []
    for place, name in enumerate(names):
        for step, creativity in enumerate(STEPS):
            values = found[:, place, step]
            low, high = np.percentile(values[drawn].mean(axis=1), (2.5, 97.5), axis=0)
            row: dict[str, Any] = {"category": name, "lambda": creativity}
            for number, measure in enumerate(("diversity", "ctr", "order_per_impression")):
                row |= {
                    measure: float(values[:, number].mean()),
                    f"{measure}_low": float(low[number]),
                    f"{measure}_high": float(high[number]),
                }
            rows.append(row)
    return rows


def _shop(sweep: Sweep, seed: int) -> Numbers:
    """(categories, lambdas, measures)."""
    rng = np.random.Generator(np.random.PCG64([seed, 3]))
    found = np.zeros((len(CATEGORIES), len(STEPS), 3))
    for place in range(len(CATEGORIES)):
        level, order = rng.normal(-3.0, 0.3), rng.normal(-2.2, 0.3)
        for _ in range(sweep.products * len(SEGMENTS)):
            found[place] += _key(sweep, level, order, rng)
    return found / (sweep.products * len(SEGMENTS))


def _key(sweep: Sweep, level: float, order: float, rng: np.random.Generator) -> Numbers:
    """(lambdas, measures) of one (product, segment)."""
    count = sweep.candidates
    own = rng.uniform(0, 1, count)
    # Directions of their own are all but at right angles in so many dimensions.
    apart = rng.standard_normal((count, 64))
    apart /= np.linalg.norm(apart, axis=1, keepdims=True)
    vectors = np.hstack([np.sqrt(1 - own)[:, None], np.sqrt(own)[:, None] * apart])
    cosines = vectors @ vectors.T / np.outer(np.linalg.norm(vectors, axis=1), np.linalg.norm(vectors, axis=1))
    diversity = 1 - (cosines.sum(axis=1) - 1) / (count - 1)
    quality = rng.normal(0, 0.4, count) - sweep.cost * (own - 0.5)
    said = sigmoid(quality + rng.normal(0, sweep.blur, count))
    ctr = sigmoid(level + quality)
    measures = np.stack([diversity, ctr, ctr * sigmoid(np.full(count, order))], axis=1)
    standings = [Standing(f"{n:02}", float(diversity[n]), float(said[n])) for n in range(count)]
    return np.stack([measures[ranking(standings, step)[: sweep.shown]].mean(axis=0) for step in STEPS])
