"""Every record's fate before anything is decided: dead letter, duplicate, no trigger, suppressed, or to be decided."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from schemas.decode import Rejection
from streams.dlq import RejectBrake
from streams.kafka.records import Record
from streams.serve.gate import Trigger, gate_of
from streams.serve.seen import SeenSet
from streams.serve.setup import ServeSetup
from streams.serve.tally import ROLE

# User agents remembered; there are some thousands of real ones, and whoever invents more must not fill the memory.
MAX_AGENTS = 10_000


class Sorted(Struct, frozen=True):
    """A batch after judgement: what to decide, what to set aside, and how many went which way."""

    triggers: list[Trigger]
    rejected: list[tuple[Record, Rejection]]
    outcomes: Counter[str]


class _Agents(dict[str | None, bool]):
    """User agent -> whether it is a bot's, found out when it is first asked for. Who sends none is no bot."""

    def __init__(self, bots: tuple[str, ...]) -> None:
        super().__init__()
        self._bots = bots

    def __missing__(self, agent: str | None) -> bool:
        if len(self) >= MAX_AGENTS:
            self.clear()
        known = self[agent] = agent is not None and any(part in agent.lower() for part in self._bots)
        return known


class Judge:
    """Judges records in the order dlq, duplicate, not_trigger, suppressed, decision."""

    def __init__(self, setup: ServeSetup, seen: SeenSet, brake: RejectBrake) -> None:
        self._seen, self._brake = seen, brake
        self._gate = gate_of(setup.triggers)
        self._is_bot = _Agents(setup.bots)

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
