"""The press: draws an event's outcome from its menu and writes the record. No clock, no I/O.

There are two of it, see native.py.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from msgspec.json import encode as encode_json

from inference.decide.choices import place_at
from inference.decide.hashing import PERSON, DecisionIds, tenant_prefix
from inference.decide.policy import Policy
from schemas.events import KIND_OF
from schemas.token import VERSION, Seal
from streams.kafka.records import Put
from streams.serve import native
from streams.serve.context import Side
from streams.serve.gate import Asking, Trigger
from streams.serve.menu import Dish, Menu, Shelf, Shelves
from streams.serve.setup import ServeSetup
from streams.serve.tally import Taken

# The members that are new in each decision. Ids come as JSON; the rest needs no escaping: hex, base64url, numbers, and
# times and kinds of our own.
_HEAD = (
    b'{"decision_id":"%s","event_id":%s,"user_id":%s,"time":"%s","kind":"%s","token":"%s",'
    b'"event":{"topic":%s,"partition":%d,"offset":%d},'
)

MenuOf = Callable[[Asking, Side, Side], Menu]
_KINDS = {kind: name.encode() for kind, name in KIND_OF.items()}


class Found(NamedTuple):
    """What is known of a batch: shopper and product of each event, menus on shelves.

    `menu_of` is asked where a shelf has no menu for a shopper who may be shown something, and for everyone who may not.
    """

    shoppers: list[Side]
    products: list[Side]
    shelves: Shelves
    menu_of: MenuOf


class Press(Protocol):
    """Writes the decisions of one tenant about events of one topic, with tokens signed by one key."""

    def begin(self, now_ms: int, policy: Policy) -> None:
        """A batch decided at `now_ms` under `policy`."""
        ...

    def write(
        self, triggers: Sequence[Trigger], found: Found, taken: Taken, put: Put, wait: Callable[[], None], /
    ) -> None:
        """Put the record of each event, in their order, and note in `taken` what is counted of it."""
        ...


def press_of(setup: ServeSetup, *, comma: bool) -> Press:
    """The faster press that there is. `comma` says that both shoppers and products have views, which it parts."""
    return CompiledPress(setup, comma=comma) if native.compiled() else PlainPress(setup, comma=comma)


class PlainPress:
    """The press in Python."""

    def __init__(self, setup: ServeSetup, *, comma: bool) -> None:
        self._id_of = DecisionIds(setup.tenant).of
        self._token = Seal(setup.key_id, setup.key).token
        self._source, self._target = encode_json(setup.topics.events), setup.topics.decisions
        pair = b"%s,%s" if comma else b"%s%s"
        self._form = (
            _HEAD + b'"features":{' + pair + b'},"feature_states":{' + pair + b'},"feature_times_ms":{' + pair + b"},%s"
        )
        self._policy: Policy | None = None
        self._clock = self._now = b""

    def begin(self, now_ms: int, policy: Policy) -> None:
        """See Press."""
        self._policy, self._now, self._clock = policy, _written(now_ms), now_ms.to_bytes(6, "big")

    def write(
        self, triggers: Sequence[Trigger], found: Found, taken: Taken, put: Put, wait: Callable[[], None], /
    ) -> None:
        """See Press."""
        none: Shelf = {}
        for trigger, shopper, product in zip(triggers, found.shoppers, found.products, strict=True):
            event = trigger[0]
            menu = None
            if shopper.stop is None and shopper.segment is not None:
                menu = found.shelves.get(event.product_id or "", none).get(shopper.segment)
            if menu is None:
                menu = found.menu_of(event, shopper, product)
            dish, value = self._decision(trigger, shopper, product, menu)
            while True:
                try:
                    put(self._target, value, event.user_id.encode())
                    break
                except BufferError:
                    wait()
            taken.labels.append(dish.label)
            taken.states += (shopper.states, product.states)
            taken.lookups += menu.lookups
            if menu.misses:
                taken.missed.append((event.event_id, menu.misses))

    def _decision(self, trigger: Trigger, shopper: Side, product: Side, menu: Menu) -> tuple[Dish, bytes]:
        assert self._policy is not None
        event, partition, offset = trigger
        raw_id = self._id_of(event.event_id)
        texts = menu.dishes[place_at(menu.cumulative, self._policy.draw(raw_id))]
        dish = texts[raw_id[0] % len(texts)]
        value = self._form % (
            raw_id.hex().encode(),
            encode_json(event.event_id),
            shopper.name,
            self._now,
            _KINDS[type(event)],
            self._token(raw_id, self._clock, dish.tail),
            self._source,
            partition,
            offset,
            shopper.features,
            product.features,
            shopper.states,
            product.states,
            shopper.times,
            product.times,
            dish.body,
        )
        return dish, value


class CompiledPress:
    """The press in C. Only to be made where it is `compiled`."""

    def __init__(self, setup: ServeSetup, *, comma: bool) -> None:
        topics = setup.topics
        hashes = (tenant_prefix(setup.tenant), PERSON, bytes((VERSION, setup.key_id)), setup.key)
        self._made = native.module.Press(
            *hashes, encode_json(topics.events), topics.decisions, comma, encode_json, _KINDS
        )
        self.write = self._made.write

    def begin(self, now_ms: int, policy: Policy) -> None:
        """See Press."""
        self._made.start(_written(now_ms), now_ms.to_bytes(6, "big"), policy.key)


def _written(now_ms: int) -> bytes:
    """RFC 3339 in UTC, with milliseconds."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return now.replace("+00:00", "Z").encode()
