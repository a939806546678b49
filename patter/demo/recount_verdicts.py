"""What ought to become of an event, judged anew from the input log and the rules alone."""

from collections import OrderedDict
from collections.abc import Collection

from patter.demo.recount_places import DLQ, DUPLICATE, NOT_TRIGGER, SUPPRESSED, TRIGGER
from schemas.agents import AgentRules
from schemas.decode import Rejection, decode_event


class Judge:
    """Judges one event after the other; those of a partition have to come in the order of their offsets.

    The rules, in their order: what the decoder rejects goes to the DLQ; an event whose id stands at an offset in
    [o - window, o) of its partition is a duplicate (also where the one before was a duplicate); one whose kind does not
    ask for copy, or that names no product, is no trigger; one of a tagged bot is suppressed; the rest is decided.
    """

    def __init__(self, triggers: Collection[str], agents: AgentRules, window: int) -> None:
        self._triggers, self._agents, self._window = frozenset(triggers), agents.agent, window
        self._stood: dict[int, OrderedDict[int, int]] = {}

    def judge(
        self, partition: int, offset: int, value: bytes | None, timestamp_ms: int
    ) -> tuple[int, str, Rejection | None]:
        """(verdict, event id, why it was rejected)."""
        event = decode_event(value, timestamp_ms)
        if isinstance(event, Rejection):
            return DLQ, "", event
        name = event.event_id
        if self._stands(partition, offset, hash(name)):
            return DUPLICATE, name, None
        if event.__struct_config__.tag not in self._triggers or getattr(event, "product_id", None) is None:
            return NOT_TRIGGER, name, None
        if event.user_agent and self._is_bot(event.user_agent.lower()):
            return SUPPRESSED, name, None
        return TRIGGER, name, None

    def _is_bot(self, agent: str) -> bool:
        """Whether a user agent in small letters is tagged."""
        return any(
            any(part.lower() in agent for part in rule.any) and not any(part.lower() in agent for part in rule.but)
            for rule in self._agents
        )

    def _stands(self, partition: int, offset: int, name: int) -> bool:
        """Whether the id stood within the window; it stands at `offset` from now on.

        Ids are kept in the order of their last offset, so that those which left the window are at the front.
        """
        stood = self._stood.setdefault(partition, OrderedDict())
        floor = offset - self._window
        last = stood.pop(name, -1)
        stood[name] = offset
        while stood and next(iter(stood.values())) < floor:
            stood.popitem(last=False)
        return last >= floor and last >= 0
