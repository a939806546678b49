"""One policy in one made-up shop: decisions batch by batch, what comes back in its time, and what was lost."""

import numpy as np
from msgspec import Struct

from inference.decide.hashing import decision_id
from inference.simulate.learners import Learner, Seen
from inference.simulate.traffic import DAY_MS, Traffic
from inference.simulate.world import ARMS, CELLS, Numbers


class Played(Struct, frozen=True):
    """What came of it. `arm` and `propensity` are of each decision, -1 and 0 where none was made. `regret` and
    `reward` are in expected successes, over the `decisions` made for people.
    """

    arm: Numbers
    propensity: Numbers
    decisions: int
    regret: float
    reward: float


def play(traffic: Traffic, learner: Learner, every_ms: int, seed: int) -> Played:
    """Run it; the policy is fitted anew every `every_ms`, on what has come in by then. Tagged bots are not decided
    for.
    """
    batches = -(-traffic.setting.days * DAY_MS // every_ms)
    cells, arms = len(CELLS), len(ARMS)
    shown = np.zeros((batches, cells, arms))
    succeeded = np.zeros_like(shown)
    count = len(traffic.time_ms)
    chosen, propensity = np.full(count, -1), np.zeros(count)
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    # Where each batch's rows are: they are sorted by time.
    edges = np.searchsorted(traffic.time_ms, np.arange(batches + 1) * every_ms)
    due_ms, due_at = np.zeros(0), np.zeros(0, np.intp)
    for batch in range(batches):
        now_ms = batch * every_ms
        come = due_ms <= now_ms
        np.add.at(succeeded.reshape(-1), due_at[come], 1.0)
        due_ms, due_at = due_ms[~come], due_at[~come]
        # A cohort's age is that of its middle.
        ages = now_ms - (np.arange(batch) + 0.5) * every_ms
        shares = learner(
            Seen(batch + 1, batch / batches, ages, shown[:batch], succeeded[:batch], now_ms, every_ms),
        )
        rows = np.arange(edges[batch], edges[batch + 1])
        rows = rows[~traffic.tagged[rows]]
        if not len(rows):
            continue
        cell = traffic.cell[rows]
        if shares.policy is None:
            u = rng.random(len(rows))
        else:
            draw = shares.policy.draw
            u = np.array([draw(decision_id("simulated", f"{seed}-{row}")) for row in rows])
        cumulative = shares.cumulative[cell]
        # What bisect_right does, for all rows at once (`inference.decide.choices.place_at`).
        arm = (cumulative <= u[:, None]).sum(axis=1)
        chosen[rows] = arm
        propensity[rows] = np.diff(cumulative, axis=1, prepend=0.0)[np.arange(len(rows)), arm]
        place = (batch * cells + cell) * arms + arm
        np.add.at(shown.reshape(-1), place, 1.0)
        won = traffic.success[rows, arm]
        due_ms = np.concatenate([due_ms, (traffic.time_ms[rows] + traffic.after_ms[rows])[won]])
        due_at = np.concatenate([due_at, place[won]])
    people = (chosen >= 0) & traffic.human
    rates = traffic.rates[people]
    got = rates[np.arange(len(rates)), chosen[people]]
    return Played(chosen, propensity, len(rates), float((rates.max(axis=1) - got).sum()), float(got.sum()))
