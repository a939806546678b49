"""Who comes to the made-up shop and what they would do: everything that does not depend on the policy, drawn
beforehand.

So two policies meet the same shoppers, who would click the same copy at the same moment, and their difference is
theirs.
"""

import numpy as np
from msgspec import Struct

from inference.simulate.world import (
    ARMS,
    CELLS,
    Numbers,
    Places,
    World,
    make_places,
    make_world,
    shopper_bent,
    sigmoid,
)

DAY_MS = 86_400_000
# A shopper comes back some ten times, so that what they do is not independent.
_VISITS = 10
# Most click within minutes, some come back to a message hours later.
_SOON_MS, _LATER_MS, _LATER = 10 * 60_000, 8 * 3_600_000, 0.4
_ORDER_MS = 20 * 3_600_000
# A bot clicks what stands first far more often than people do, and has an arm that it likes: the worst kind of noise.
_BOT_RATE, _BOT_ARM, _BOT_ARM_RATE = 0.10, 1, 0.4


class Setting(Struct, frozen=True, kw_only=True):
    """How a shop is made up. `drift` is per day, `delay` scales all delays (0: everything comes at once), `bots` is
    the share of traffic that is bots', `missed` the share of these that no rule tags. `reward` is what is counted.
    """

    decisions: int = 100_000
    days: int = 14
    drift: float = 0.15
    delay: float = 1.0
    bots: float = 0.05
    missed: float = 0.0
    reward: str = "click"


class Traffic(Struct, frozen=True):
    """One row a decision, by time. `rates` is (decisions, arms): the true chance of a success; `success` what would
    happen; `after_ms` how long it would take; `human` says who counts for regret, `tagged` who is never decided for.
    """

    setting: Setting
    world: World
    places: Places
    time_ms: Numbers
    cell: Numbers
    rates: Numbers
    success: Numbers
    after_ms: Numbers
    human: Numbers
    tagged: Numbers
    bent: Numbers


def make_traffic(setting: Setting, seed: int) -> Traffic:
    """Everything that happens in one shop, by its seed."""
    rng = np.random.Generator(np.random.PCG64(seed))
    count = setting.decisions
    world, places = make_world(rng, setting.days, setting.drift), make_places(rng, count)
    shoppers = max(1, count // _VISITS)
    own_cell = rng.integers(0, len(CELLS), shoppers)
    bents = shopper_bent(rng, shoppers)
    who = rng.integers(0, shoppers, count)
    # A shopper has a segment for good, and looks at any category.
    segments = len(CELLS) // 4
    cell = rng.integers(0, 4, count) * segments + own_cell[who] % segments
    time_ms = np.sort(rng.integers(0, setting.days * DAY_MS, count))
    odds = world.levels[cell] + bents[who] + world.place_odds(places, cell)
    rates = sigmoid(odds[:, None] + world.arm_odds(time_ms / DAY_MS, cell))
    human = rng.random(count) >= setting.bots
    tagged = ~human & (rng.random(count) >= setting.missed)
    rates[~human] = _BOT_RATE
    rates[~human, _BOT_ARM] = _BOT_ARM_RATE
    after_ms = setting.delay * np.where(
        rng.random(count) < _LATER, rng.exponential(_LATER_MS, count), rng.exponential(_SOON_MS, count)
    )
    if setting.reward == "order":
        rates = rates * np.where(human[:, None], sigmoid(world.orders[cell]), 0.0)
        after_ms = after_ms + setting.delay * rng.exponential(_ORDER_MS, count)
    success = rng.random(count)[:, None] < rates
    return Traffic(setting, world, places, time_ms, cell, rates, success, after_ms, human, tagged, bents[who])


__all__ = ["ARMS", "CELLS", "DAY_MS", "Setting", "Traffic", "make_traffic"]
