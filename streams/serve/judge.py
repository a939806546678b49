"""Every record's fate before anything is decided: dead letter, duplicate, no trigger, suppressed, or to be decided."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from schemas.decode import Rejection
from streams.agents.names import AgentNames
from streams.dlq import RejectBrake
from streams.kafka.records import Record
from streams.serve.gate import Trigger, gate_of
from streams.serve.seen import SeenSet
from streams.serve.setup import ServeSetup
from streams.serve.tally import ROLE


class Sorted(Struct, frozen=True):
    """A batch after judgement: what to decide, what to set aside, and how many went which way."""

    triggers: list[Trigger]
    rejected: list[tuple[Record, Rejection]]
    outcomes: Counter[str]


class Judge:
    """Judges records in the order dlq, duplicate, not_trigger, suppressed, decision."""

    def __init__(self, setup: ServeSetup, seen: SeenSet, brake: RejectBrake) -> None:
        self._seen, self._brake = seen, brake
        self._gate = gate_of(setup.triggers)
        self._is_bot = AgentNames(setup.agents)

    def judge(self, records: Sequence[Record]) -> Sorted:
        """The batch, sorted. Raises Brake where too much of it is rejected."""
        triggers, rejected, duplicates, others, bots = self._gate.sort(records, self._seen.partitions, self._is_bot)
        verdicts = [False] * len(records)
        for place, _ in rejected:
            verdicts[place] = True
        self._brake.check(verdicts, ROLE)
        outcomes = Counter(
            dlq=len(rejected), duplicate=duplicates, not_trigger=others, suppressed=bots, decision=len(triggers)
        )
        return Sorted(triggers, [(records[place], why) for place, why in rejected], outcomes)
