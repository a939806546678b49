"""A made-up shop whose shoppers' true rates are known: what a policy is to find out, and what stands in its way.

Log-odds of a click add up from the category's level, what the segment thinks of each attribute of the copy, what is
particular to (category, segment, arm) and moves from day to day, the shopper's own bent, and the place in which the
copy is shown: position, price, rating, and the tags `sponsored` and `endorsed`. The places are drawn at random for
each decision, as in the mock shop of ACES (arXiv 2508.02630), so that what each of them does can be told from the
log. All of it is invented; no shop's figures are behind it.
"""

from itertools import product
from typing import Any

import numpy as np
from msgspec import Struct

Numbers = np.ndarray[Any, np.dtype[Any]]

CATEGORIES = ("shoes", "bags", "lamps", "books")
SEGMENTS = ("new", "regular", "loyal", "lapsed", "bargain")
CELLS = tuple(product(CATEGORIES, SEGMENTS))
STYLES: dict[str, dict[str, float]] = {
    "template": {"plain": 1.0},
    "warm_discover": {"warm": 1.0, "discover": 1.0},
    "warm_shop": {"warm": 1.0, "shop": 1.0},
    "bold_shop": {"bold": 1.0, "shop": 1.0},
    "bold_short": {"bold": 1.0, "short": 1.0},
    "calm_discover": {"calm": 1.0, "discover": 1.0, "short": 1.0},
}
"""Each arm's attributes; the control first."""
ARMS = tuple(STYLES)
ATTRIBUTES = tuple(sorted({name for style in STYLES.values() for name in style}))
POSITIONS = 8
TAGS = ("sponsored", "endorsed")

# About one in twenty who see the copy click, as in a good e-mail; attributes and particulars move that by a third
# either way.
_LEVEL, _CATEGORY, _ATTRIBUTE, _OWN = -3.0, 0.3, 0.3, 0.25
# From the first place to the last; for a doubled price, by how dear the segment finds it; for a star.
_POSITION, _PRICE, _RATING, _TAG = (0.0, -0.8), (-0.6, -0.1), 0.35, (-0.25, 0.2)
# Shoppers differ: one standard deviation doubles the odds.
_SHOPPER = 0.7
_ORDER_LEVEL = -2.2


class World(Struct, frozen=True):
    """The true log-odds. `arms` is (days + 1, cells, arms): between two midnights they go in a straight line."""

    levels: Numbers
    arms: Numbers
    positions: Numbers
    prices: Numbers
    rating: float
    tags: Numbers
    orders: Numbers

    def arm_odds(self, day: Numbers, cell: Numbers) -> Numbers:
        """(decisions, arms) at these times, in days."""
        last = len(self.arms) - 1
        low = np.minimum(day.astype(np.intp), last - 1)
        part = (day - low)[:, None]
        return np.asarray((1 - part) * self.arms[low, cell] + part * self.arms[low + 1, cell])

    def place_odds(self, places: "Places", cell: Numbers) -> Numbers:
        """(decisions,): what the place adds."""
        return np.asarray(
            self.positions[places.position]
            + self.prices[cell % len(SEGMENTS)] * places.price
            + self.rating * places.rating
            + places.tags @ self.tags
        )


class Places(Struct, frozen=True):
    """Where copy is shown, one row a decision: position 0 is the first; `price` is the log2 of the price over the
    category's usual one, `rating` in stars above 4, `tags` 0 or 1.
    """

    position: Numbers
    price: Numbers
    rating: Numbers
    tags: Numbers


def make_world(rng: np.random.Generator, days: int, drift: float) -> World:
    """A shop. `drift` is the standard deviation by which an arm's log-odds in a cell move in a day."""
    tastes = rng.normal(0, _ATTRIBUTE, (len(SEGMENTS), len(ATTRIBUTES)))
    styles = np.array([[STYLES[arm].get(name, 0.0) for name in ATTRIBUTES] for arm in ARMS])
    by_segment = tastes @ styles.T
    start = np.tile(by_segment, (len(CATEGORIES), 1)) + rng.normal(0, _OWN, (len(CELLS), len(ARMS)))
    steps = rng.normal(0, drift, (days, *start.shape)) if drift else np.zeros((days, *start.shape))
    return World(
        levels=np.repeat(_LEVEL + rng.normal(0, _CATEGORY, len(CATEGORIES)), len(SEGMENTS)),
        arms=np.concatenate([start[None], start[None] + np.cumsum(steps, axis=0)]),
        positions=np.linspace(*_POSITION, POSITIONS),
        prices=rng.uniform(*_PRICE, len(SEGMENTS)),
        rating=_RATING,
        tags=np.array(_TAG),
        orders=_ORDER_LEVEL + rng.normal(0, 0.3, (len(CELLS), len(ARMS))),
    )


def make_places(rng: np.random.Generator, count: int) -> Places:
    """Places at random, each part independent of all others."""
    return Places(
        position=rng.integers(0, POSITIONS, count),
        price=rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], count),
        rating=rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], count),
        tags=(rng.random((count, len(TAGS))) < 0.25).astype(np.float64),
    )


def sigmoid(x: Numbers) -> Numbers:
    """1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-x)))


def shopper_bent(rng: np.random.Generator, shoppers: int) -> Numbers:
    """(shoppers,) of log-odds."""
    return rng.normal(0, _SHOPPER, shoppers)
