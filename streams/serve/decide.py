"""A batch's decisions: who each event is for, what may be shown, the draw. No clock, no I/O: both come as arguments."""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from inference.decide.assign import held_out
from inference.experiment.assignment import Placement, Running
from schemas.errors import Code
from schemas.ports import FeatureReader, ViewRow
from streams.kafka.records import Put
from streams.serve.codes import Codes
from streams.serve.cohort import menu_name
from streams.serve.context import Rows, Side, Sides, Values
from streams.serve.gate import Asking, Trigger
from streams.serve.menu import Menu, Menus
from streams.serve.press import Found, press_of
from streams.serve.setup import ServeSetup
from streams.serve.tally import Tally
from streams.serve.world import World


class Known(Struct, frozen=True):
    """What is known of each event's shopper and product, and how many rows of that needed not be asked for."""

    shoppers: list[Side]
    products: list[Side]
    rows_at_hand: int


class Decider:
    """Decides events. Holds memos and nothing that would change an answer."""

    def __init__(self, setup: ServeSetup, codes: Codes) -> None:
        self._setup = setup
        self._menus = Menus(setup, codes)
        user_views = tuple(name for name, key in setup.views if key == "user_id")
        product_views = tuple(name for name, key in setup.views if key == "product_id")
        self._shoppers = Sides("user_id", user_views, self._about_shopper)
        self._products = Sides("product_id", product_views, lambda _name, _values: (None, None))
        self._press = press_of(setup, comma=bool(user_views and product_views))
        self._world: World | None = None
        self._running = Running()
        # What a menu's name stands for, of shoppers who are in an experiment: a few for each of its arms.
        self._cohorts: dict[str, tuple[str, Placement]] = {}

    def place(self, running: Running) -> None:
        """From the next `look_up` on shoppers are in these experiments. The same object again costs nothing."""
        if running is not self._running:
            self._running, self._cohorts = running, {}
            self._shoppers.forget()

    def look_up(self, triggers: Sequence[Trigger], reader: FeatureReader, now_ms: int) -> Known:
        """What is known of everyone in the batch.

        Raises StorePaused where the store fails and the settings say to wait for it.
        """
        users, products = self._shoppers.begin(triggers, now_ms), self._products.begin(triggers, now_ms)
        keys = {"user_id": users.lacking, "product_id": products.lacking}
        rows: Rows = reader.read(keys, now_ms) if any(keys.values()) else {}
        asked = len(keys["user_id"]) * len(self._shoppers.views) + len(keys["product_id"]) * len(self._products.views)
        at_hand = len(triggers) * (len(self._shoppers.views) + len(self._products.views)) - asked
        return Known(self._shoppers.finish(users, rows), self._products.finish(products, rows), at_hand)

    def rows(self, known: Known) -> Iterator[tuple[str, ViewRow]]:
        """The rows, with their views, of a batch."""
        for sides, of in ((known.shoppers, self._shoppers), (known.products, self._products)):
            for side in sides:
                yield from zip(of.views, side.basis.rows, strict=True)

    def begin(self, world: World) -> None:
        """Decide in this world from now on."""
        self._world = world
        self._menus.begin(world)
        self._press.begin(world.now_ms, world.policy)

    def decide(
        self, triggers: Sequence[Trigger], known: Known, tally: Tally, put: Put, wait: Callable[[], None]
    ) -> None:
        """Put the decision of each event. Raises PatterError (code_collision)."""
        found = Found(known.shoppers, known.products, self._menus.shelves, self._menu)
        self._press.write(triggers, found, tally.taken, put, wait)
        tally.topics[self._setup.topics.decisions] += len(triggers)

    def _menu(self, event: Asking, shopper: Side, product: Side) -> Menu:
        """The menu for an event that no shelf had one for."""
        world, setup = self._world, self._setup
        assert world is not None
        if shopper.segment is None:
            segment = setup.segment_of({**shopper.basis.values, **product.basis.values})
            placement = self._placement(event.user_id)
        else:
            segment, placement = self._cohorts.get(shopper.segment, (shopper.segment, None))
        stop = Code.KILL_SWITCH if world.policy.snapshot.kill else shopper.stop
        return self._menus.menu(event.product_id or "", segment, stop, world, placement)

    def _placement(self, user_id: str) -> Placement | None:
        """Where the shopper is; nobody whom the settings hold out is in an experiment."""
        if not self._running or held_out(self._setup.experiment, user_id):
            return None
        return self._running.placement(user_id)

    def _about_shopper(self, user_id: str, values: Values) -> tuple[str | None, Code | None]:
        """The menus' name (None where it depends on the product), and why this shopper is shown nothing, if so."""
        setup, cap = self._setup, self._setup.cap
        segment = None if setup.segments_see_products else setup.segment_of(values)
        placement = self._placement(user_id)
        if placement is not None and segment is not None:
            name = menu_name(segment, placement)
            self._cohorts[name] = segment, placement
            segment = name
        if held_out(setup.experiment, user_id) or (placement is not None and placement.held_out):
            return segment, Code.HOLDOUT
        if cap is not None:
            seen = (values.get(cap.view) or {}).get(cap.feature)
            if isinstance(seen, int | float) and seen >= cap.limit:
                return segment, Code.FREQUENCY_CAP
        return segment, None
