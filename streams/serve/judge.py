"""Every record's fate before anything is decided: dead letter, duplicate, no trigger, suppressed, or to be decided."""

from collections import Counter
from collections.abc import Sequence
from typing import cast

from msgspec import Struct

from schemas.decode import Rejection, decode_event
from schemas.events import KIND_OF
from streams.dlq import RejectBrake
from streams.kafka.records import Record
from streams.serve.press import Asking, Trigger
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
        self._asking = frozenset(
            kind for kind, name in KIND_OF.items() if name in setup.triggers and "product_id" in kind.__struct_fields__
        )
        self._is_bot = _Agents(setup.bots)

    def judge(self, records: Sequence[Record]) -> Sorted:
        """The batch, sorted. Raises Brake where too much of it is rejected."""
        triggers: list[Trigger] = []
        rejected: list[tuple[Record, Rejection]] = []
        duplicates = others = bots = 0
        asking, is_bot = self._asking, self._is_bot
        verdicts = [False] * len(records)
        ids, at = None, -1
        for place, record in enumerate(records):
            event = decode_event(record.value, record.timestamp_ms)
            kind = type(event)
            if kind is Rejection:
                verdicts[place] = True
                rejected.append((record, cast("Rejection", event)))
                continue
            partition, offset = record.partition, record.offset
            if ids is None or partition != at:
                # Records of one partition come in runs.
                ids, at = self._seen.partition(partition), partition
            trigger = cast("Asking", event)
            if ids.judge(offset, trigger.event_id):
                duplicates += 1
            elif kind not in asking or trigger.product_id is None:
                others += 1
            elif is_bot[trigger.user_agent]:
                bots += 1
            else:
                triggers.append((trigger, partition, offset))
        self._brake.check(verdicts, ROLE)
        outcomes = Counter(
            dlq=len(rejected), duplicate=duplicates, not_trigger=others, suppressed=bots, decision=len(triggers)
        )
        return Sorted(triggers, rejected, outcomes)
