"""Policies in many made-up shops: regret of each, and how far the one that serves lies below the others."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from inference.simulate.learners import Tuning, learners
from inference.simulate.play import play
from inference.simulate.traffic import Setting, make_traffic
from inference.simulate.world import Numbers

RESAMPLES = 4_000
SERVING = "serving"


def contest(
    setting: Setting,
    tuning: Tuning,
    seeds: Sequence[int],
    every_ms: int,
    names: Sequence[str],
    clock: Callable[[], float],
    say: Callable[[int], None],
) -> dict[str, Any]:
    """Every policy of `names` in every shop. Regret and reward are per 1,000 decisions, with 95 % intervals over seeds.

    `below` is how much lower the serving policy's regret is than each other's, shop by shop. `clock` gives CPU seconds.
    """
    regret: dict[str, list[float]] = {name: [] for name in names}
    reward: dict[str, list[float]] = {name: [] for name in names}
    spent: dict[str, float] = dict.fromkeys(names, 0.0)
    decisions: dict[str, int] = dict.fromkeys(names, 0)
    for done, seed in enumerate(seeds):
        traffic = make_traffic(setting, seed)
        fresh = learners(tuning, seed)
        for name in names:
            began = clock()
            played = play(traffic, fresh[name], every_ms, seed)
            spent[name] += clock() - began
            decisions[name] += played.decisions
            regret[name].append(1000 * played.regret / played.decisions)
            reward[name].append(1000 * played.reward / played.decisions)
        say(done + 1)
    rng = np.random.default_rng(len(seeds))
    drawn = rng.integers(0, len(seeds), (RESAMPLES, len(seeds)))
    return {
        "policies": {
            name: {
                "regret_per_1000": figure(regret[name], drawn),
                "reward_per_1000": figure(reward[name], drawn),
                "decisions": decisions[name],
                "cpu_s": round(spent[name], 3),
                "decisions_per_cpu_minute": round(60 * decisions[name] / spent[name]) if spent[name] else None,
            }
            for name in names
        },
        "below": {name: figure(np.subtract(regret[name], regret[SERVING]), drawn) for name in names if name != SERVING}
        if SERVING in names
        else {},
    }


def figure(values: Sequence[float] | Numbers, drawn: Numbers) -> dict[str, float | None]:
    """The mean with a 95 % percentile interval over resampled seeds; one seed has none."""
    found = np.asarray(values, np.float64)
    if len(found) < 2:
        return {"value": float(found.mean()), "low": None, "high": None}
    low, high = np.percentile(found[drawn].mean(axis=1), (2.5, 97.5))
    return {"value": float(found.mean()), "low": float(low), "high": float(high)}


def calm(setting: Setting) -> Setting:
    """The same shop where nothing moves and nothing is late."""
    return replace(setting, drift=0.0, delay=0.0)
