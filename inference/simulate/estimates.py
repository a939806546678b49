"""What a randomised log tells of position, price, rating and tags, beside what is true: the test bench.

Each part of a place is drawn on its own (ACES, arXiv 2508.02630), so the difference of click rates between two levels
of it is an unbiased estimate of its effect, whatever the others were.
"""

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np

from inference.decide.intervals import Z95
from inference.simulate.traffic import Traffic
from inference.simulate.world import ARMS, POSITIONS, TAGS, Numbers, sigmoid


def place_effects(traffic: Traffic, seed: int) -> list[dict[str, Any]]:
    """For each level but the reference of each part: the difference of success rates with its 95 % interval (Wald),
    and the true one, over people who are shown arms evenly.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 2]))
    rows = np.flatnonzero(traffic.human)
    arm = rng.integers(0, len(ARMS), len(rows))
    won = traffic.success[rows, arm]
    rates = traffic.rates[rows, arm]
    clicks = traffic.setting.reward == "click"
    return [
        {"part": part, "level": level, "reference": reference, **_difference(won, held == level, held == reference)}
        # Only of clicks is the true effect at hand: orders come on top of it.
        | {"true": float(np.mean(_moved(rates, to - own) - _moved(rates, base - own))) if clicks else None}
        for part, level, reference, held, own, to, base in _levels(traffic, rows)
    ]


def _levels(traffic: Traffic, rows: Numbers) -> Iterator[tuple[str, float, float, Numbers, Numbers, Numbers, Numbers]]:
    """(part, level, reference, what each row has, and the log-odds of that, of the level, of the reference)."""
    world, places = traffic.world, traffic.places
    position = places.position[rows]
    for level in range(1, POSITIONS):
        own, to = world.positions[position], world.positions[np.full(len(rows), level)]
        yield "position", level, 0, position, own, to, np.full(len(rows), world.positions[0])
    price, slope = places.price[rows], world.prices[traffic.cell[rows] % len(world.prices)]
    for step in (-1.0, -0.5, 0.5, 1.0):
        yield "price_log2", step, 0.0, price, slope * price, slope * step, np.zeros(len(rows))
    rating = places.rating[rows]
    for step in (-1.0, -0.5, 0.5, 1.0):
        bound = np.full(len(rows), world.rating * step)
        yield "rating_above_4", step, 0.0, rating, world.rating * rating, bound, np.zeros(len(rows))
    for number, tag in enumerate(TAGS):
        held = places.tags[rows, number]
        weight = np.full(len(rows), world.tags[number])
        yield tag, 1.0, 0.0, held, weight * held, weight, np.zeros(len(rows))


def _moved(rates: Numbers, shift: Numbers) -> Numbers:
    return sigmoid(np.log(rates / (1 - rates)) + shift)


def _difference(won: Numbers, level: Numbers, reference: Numbers) -> dict[str, float | None]:
    n, m = int(level.sum()), int(reference.sum())
    if not n or not m:
        return {"effect": None, "low": None, "high": None}
    p, q = float(won[level].mean()), float(won[reference].mean())
    half = Z95 * sqrt(p * (1 - p) / n + q * (1 - q) / m)
    return {"effect": p - q, "low": p - q - half, "high": p - q + half}
