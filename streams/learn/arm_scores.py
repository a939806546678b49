"""What P_conv says of each arm's texts, as the pool has them: where an arm's worth begins before it is counted."""

from collections import defaultdict
from math import log
from statistics import fmean
from typing import Any

import msgspec
from msgspec import Struct

from inference.text.conversion import Conversion
from schemas.copy import CopyKey
from streams.kafka.records import Record
from streams.learn.conversion import InForce

# P_conv is kept to a hundredth or two; finer, every text that comes would make another policy.
_DECIMALS = 2
# A probability that was rounded to 0 or 1 is none of certainty.
_LEAST = 0.01


class _Text(Struct, frozen=True):
    state: str = ""
    scores: dict[str, Any] = {}


class _Entry(Struct, frozen=True):
    candidates: tuple[_Text, ...]


_entry = msgspec.json.Decoder(_Entry)


class ArmScores:
    """Follows the pool. Without a model nothing is said. One thread's."""

    def __init__(self, offline: Conversion | None) -> None:
        self._offline = offline
        self._entries: dict[bytes, tuple[str, float]] = {}
        self.skipped = 0

    def take(self, record: Record) -> None:
        """Apply a record of `patter.copy.v1`; one that does not decode is skipped."""
        if self._offline is None:
            return
        key = record.key or b""
        self._entries.pop(key, None)
        if not record.value:
            return
        try:
            variant, texts = CopyKey.parse(key.decode()).variant, _entry.decode(record.value).candidates
        except (msgspec.MsgspecError, ValueError):
            self.skipped += 1
            return
        said = [_odds(p) for each in texts if each.state == "active" and (p := each.scores.get("p_conv")) is not None]
        if said:
            self._entries[key] = (variant, fmean(said))

    def warm(self, in_force: InForce) -> dict[str, float]:
        """By arm, how much above the mean of all arms its shown texts stand, in log-odds of a click.

        P_conv of the bundle says which of two texts wins a test; `figures.start` says how far that is to be trusted.
        Refitted, it is in log-odds of a click itself.
        """
        if self._offline is None:
            return {}
        by_arm: defaultdict[str, list[float]] = defaultdict(list)
        for variant, score in self._entries.values():
            by_arm[variant].append(score)
        means = {arm: fmean(sorted(scores)) for arm, scores in sorted(by_arm.items())}
        if not means:
            return {}
        middle, slope = fmean(means.values()), 1.0 if in_force.fit is not None else _slope(self._offline)
        return {arm: round(slope * (mean - middle), _DECIMALS) for arm, mean in means.items()}


def _odds(p: float) -> float:
    p = min(max(p, _LEAST), 1 - _LEAST)
    return log(p / (1 - p))


def _slope(model: Conversion) -> float:
    start = model.figures.get("start") or {}
    return float(start.get("warm", {}).get("slope", 0.0))
