"""One event's decision: who it is for, what may be shown, the draw. No clock, no I/O: everything is an argument."""

from msgspec import Struct
from msgspec.json import Encoder

from inference.decide.assign import held_out
from inference.decide.hashing import DecisionIds
from schemas.errors import Code
from schemas.events import KIND_OF, CartAdded, ListViewed, ProductViewed
from schemas.token import Seal
from streams.kafka.records import Record
from streams.serve.codes import Codes
from streams.serve.context import ContextReader, Rows, Side
from streams.serve.menu import Dish, Menus, PoolKey
from streams.serve.setup import ServeSetup
from streams.serve.world import World

Trigger = ProductViewed | ListViewed | CartAdded
_encode = Encoder().encode
_KINDS = {kind: name.encode() for kind, name in KIND_OF.items()}


class Decided(Struct, frozen=True, gc=False):
    """A decision as bytes, and what is counted of it: pool keys looked up in vain, lookups, outcome, feature states."""

    decision_id: str
    value: bytes
    misses: tuple[PoolKey, ...]
    lookups: int
    dish: Dish
    shopper_states: bytes
    product_states: bytes


class Decider:
    """Decides events one by one. Holds memos and nothing that would change an answer."""

    def __init__(self, setup: ServeSetup, codes: Codes) -> None:
        self._setup = setup
        experiment = setup.experiment
        self._menus = Menus(setup, codes)
        self._context = ContextReader(
            setup.views,
            setup.segment_of,
            lambda user_id: held_out(experiment, user_id),
            with_product=setup.segments_see_products,
        )
        self._cap = setup.cap
        self._topic = _encode(setup.topics.events)
        self._id_of = DecisionIds(setup.tenant).of
        self._token = Seal(setup.key_id, setup.key).token

    def begin(self, rows: Rows) -> None:
        """A batch with these feature rows."""
        self._context.begin(rows)

    def decide(self, event: Trigger, record: Record, world: World) -> Decided:
        """The decision for one trigger event of the batch. Raises PatterError (code_collision)."""
        product_id = event.product_id or ""
        context = self._context
        shopper, product = context.shopper(event.user_id), context.product(product_id)
        segment = context.segment(shopper, product)
        raw_id = self._id_of(event.event_id)
        name = raw_id.hex()
        facts = world.catalogue.get(product_id)
        misses: tuple[PoolKey, ...] = ()
        lookups = 0
        if facts is None:
            dish = self._menus.nothing(product_id, None, segment, Code.PRODUCT_UNKNOWN, world)
        elif (reason := self._stopped(shopper, world)) is not None:
            dish = self._menus.nothing(product_id, facts, segment, reason, world)
        else:
            menu = self._menus.menu(facts, segment, world)
            arm, _ = menu.choices.pick(world.policy.draw(raw_id))
            outcomes = menu.dishes[arm]
            dish = outcomes[raw_id[0] % len(outcomes)] if len(outcomes) > 1 else outcomes[0]
            misses, lookups = menu.misses, self._menus.lookups
        head = (
            name.encode(),
            _encode(event.event_id),
            shopper.name,
            world.now_text,
            _KINDS[type(event)],
            self._token(raw_id, world.now_bytes, dish.tail),
            self._topic,
            record.partition,
            record.offset,
        )
        value = context.record(head, shopper, product, dish.body)
        return Decided(name, value, misses, lookups, dish, shopper.states, product.states)

    def _stopped(self, shopper: Side, world: World) -> Code | None:
        """Why nothing is shown, if so."""
        if world.policy.snapshot.kill:
            return Code.KILL_SWITCH
        if shopper.held_out:
            return Code.HOLDOUT
        cap = self._cap
        if cap is not None:
            seen = (shopper.values.get(cap.view) or {}).get(cap.feature)
            if isinstance(seen, int | float) and seen >= cap.limit:
                return Code.FREQUENCY_CAP
        return None
