"""An entry of the pool in the order of its texts' rewards: the first are active, the others stand by. Pure."""

from typing import Literal

import msgspec

from inference.generate.select import Standing, ranking, rewards
from schemas.copy import Candidate, PoolEntry

HELD: Literal["review"] = "review"
"""The state of a text that waits for a person."""


def ranked(entry: PoolEntry, creativity: float, worth: float, active: int) -> PoolEntry:
    """The entry with rewards and states anew; texts that wait for a person stay as they are, behind the others.

    The same entry where nothing changes.
    """
    free = [each for each in entry.candidates if each.state != HELD]
    held = [each for each in entry.candidates if each.state == HELD]
    standings = [Standing(each.copy_id, each.scores.get("diversity"), each.scores.get("p_conv")) for each in free]
    found = rewards(standings, creativity, worth)
    candidates = [
        _placed(free[place], found[place], shown=number < active)
        for number, place in enumerate(ranking(standings, creativity, worth))
    ]
    return msgspec.structs.replace(entry, candidates=[*candidates, *held])


def _placed(candidate: Candidate, reward: float | None, *, shown: bool) -> Candidate:
    scores = {name: score for name, score in candidate.scores.items() if name != "reward"}
    if reward is not None:
        scores["reward"] = round(reward, 6)
    return msgspec.structs.replace(candidate, scores=scores, state="active" if shown else "standby")
