"""What to expect of adaptive arms: the propensities that were logged with each decision. No I/O."""

from collections import Counter, defaultdict

import msgspec
from msgspec import Struct

from inference.experiment.srm import Stratum
from schemas.decisions import EventPlace
from schemas.experiments import ExperimentRecord


class _Decided(Struct, frozen=True):
    decision_id: str
    experiment: str
    arm: str | None
    eligible: dict[str, float]
    event: EventPlace
    excluded: bool


_decoder = msgspec.json.Decoder(_Decided)
Propensities = tuple[float, ...]


class Decided:
    """Decisions of some experiments, by the propensities that they were drawn with."""

    def __init__(self, experiments: list[ExperimentRecord]) -> None:
        self._arms = {record.name: [arm.name for arm in record.arms] for record in experiments}
        self._known: set[str] = set()
        self._counts: defaultdict[str, Counter[tuple[str, Propensities, int]]] = defaultdict(Counter)

    def put(self, value: bytes | None) -> None:
        """Take a record of `patter.decisions.v1` in; one that stands twice counts once. Raises msgspec.MsgspecError."""
        if not value:
            return
        found = _decoder.decode(value)
        arms = self._arms.get(found.experiment)
        if arms is None or found.arm not in arms or found.excluded or found.decision_id in self._known:
            return
        self._known.add(found.decision_id)
        drawn = tuple(found.eligible.get(arm, 0.0) for arm in arms)
        if abs(sum(drawn) - 1) < 1e-6:
            source = f"{found.event.topic}:{found.event.partition}"
            self._counts[found.experiment][source, drawn, arms.index(found.arm)] += 1

    def strata(self, experiment: str) -> list[Stratum]:
        """Decisions of one experiment that were drawn alike, by where they came from."""
        observed: dict[tuple[str, Propensities], list[int]] = {}
        for (source, drawn, place), number in self._counts[experiment].items():
            observed.setdefault((source, drawn), [0] * len(drawn))[place] += number
        return [Stratum(source, drawn, tuple(counts)) for (source, drawn), counts in observed.items()]
