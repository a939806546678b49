"""The gate: sorts a batch into what is to be decided, what is set aside, and how many need neither. No clock, no I/O.

There are two of it, see native.py.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, cast

from schemas.decode import NEAR_MS, SHORT_BYTES, WITH_PRICE, WITH_PRODUCT, Rejection, decode_event, parse
from schemas.events import KIND_OF, CartAdded, ListViewed, ProductViewed
from streams.kafka.records import Record
from streams.serve import native
from streams.serve.seen import Seen

# What the compiled gate has to know of a kind of event.
_HAS_PRODUCT, _HAS_PRICE, _ASKS = 1, 2, 4

Asking = ProductViewed | ListViewed | CartAdded
"""Events that can ask for a decision."""

Trigger = tuple[Asking, int, int]
"""An event that asks for a decision, the partition and the offset at which it stands."""

Kinds = frozenset[type]
Agents = Mapping[str | None, object]
"""Whether a user agent is a bot's: anything true. Answers for every one there is."""


class Sifted(NamedTuple):
    """What a batch came to: events to decide, places and reasons of what is rejected, and the number of the others."""

    triggers: list[Trigger]
    rejected: list[tuple[int, Rejection]]
    duplicates: int
    others: int
    bots: int


class Gate(Protocol):
    """Judges in the order dlq, duplicate, not_trigger, suppressed, decision."""

    def sort(self, records: Sequence[Record], seen: Mapping[int, Seen], agents: Agents, /) -> Sifted:
        """The batch, sorted. `seen` has every partition of it, and takes note of what stood where."""
        ...


def gate_of(triggers: frozenset[str]) -> Gate:
    """The faster gate that there is, for kinds of events that ask for a decision."""
    asking = frozenset(kind for kind, name in KIND_OF.items() if name in triggers and kind in WITH_PRODUCT)
    return CompiledGate(asking) if native.compiled() else PlainGate(asking)


class PlainGate:
    """The gate in Python."""

    def __init__(self, asking: Kinds) -> None:
        self._asking = asking

    def sort(self, records: Sequence[Record], seen: Mapping[int, Seen], agents: Agents, /) -> Sifted:
        """See Gate."""
        triggers: list[Trigger] = []
        rejected: list[tuple[int, Rejection]] = []
        duplicates = others = bots = 0
        for place, record in enumerate(records):
            event = decode_event(record.value, record.timestamp_ms)
            if isinstance(event, Rejection):
                rejected.append((place, event))
                continue
            trigger = cast("Asking", event)
            if seen[record.partition].judge(record.offset, event.event_id):
                duplicates += 1
            elif type(event) not in self._asking or trigger.product_id is None:
                others += 1
            elif agents[trigger.user_agent]:
                bots += 1
            else:
                triggers.append((trigger, record.partition, record.offset))
        return Sifted(triggers, rejected, duplicates, others, bots)


class CompiledGate:
    """The gate in C. Only to be made where it is compiled, and for compiled seen-sets."""

    def __init__(self, asking: Kinds) -> None:
        flags = {
            kind: _HAS_PRODUCT * (kind in WITH_PRODUCT) + _HAS_PRICE * (kind in WITH_PRICE) + _ASKS * (kind in asking)
            for kind in KIND_OF
        }
        self._made = native.module.Gate(parse, decode_event, Rejection, flags, SHORT_BYTES, NEAR_MS)

    def sort(self, records: Sequence[Record], seen: Mapping[int, Seen], agents: Agents, /) -> Sifted:
        """See Gate."""
        return Sifted(*self._made.sort(records, seen, agents))
