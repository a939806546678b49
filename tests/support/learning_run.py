"""A demo run on paper: the shop's traffic, a pool that fills, an audience, and a policy that is fitted once a second.

Everything is the product's own but the streams between its parts, whose delays stand here.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from features import segments
from features.default_segments import DEFAULT_TABLE
from inference.decide.assign import CONTROL, held_out
from inference.decide.fit import Place, Tally, fit
from inference.decide.hashing import decision_id
from inference.decide.policy import Policy, fixed_prior
from patter.demo.audience import Audience, Heard, Priced, Reaction
from patter.demo.audience_truth import TruthTable
from patter.demo.regret import BestShares, Choice, Regret
from patter.demo.shop import DemoShop, demo_catalogue
from patter.settings import Settings
from patter.wiring.experiment import experiment_of
from schemas.decode import Rejection, decode_event
from schemas.events import CartAdded
from schemas.policies import Beta, Cell

START_MS = 1_790_000_000_000
TRIGGERS = ("product_viewed", "list_viewed", "cart_added")
# From a reaction's moment to the policy that knows of it: a batch of collect, one of learn, one of the writer, serve.
HEARD_AFTER_MS = 3_500
Learner = Callable[[Mapping[Place, Tally]], tuple[dict[str, Beta], list[Cell]]]
ARMS = (CONTROL, *(variant.name for variant in Settings().variants))


class Outcome(Struct, frozen=True):
    """What a run on paper came to."""

    shares: BestShares
    decisions: int
    reactions: int
    carts: int


def shrunk(tallies: Mapping[Place, Tally]) -> tuple[dict[str, Beta], list[Cell]]:
    """As learn does it."""
    found = fit(tallies, ARMS, Settings().learn.shrinkage)
    return found.prior, found.cells


def plain(tallies: Mapping[Place, Tally]) -> tuple[dict[str, Beta], list[Cell]]:
    """Each cell for itself."""
    cells: defaultdict[tuple[str, str], dict[str, Beta]] = defaultdict(dict)
    for (category, segment, arm), tally in tallies.items():
        cells[category, segment][arm] = Beta(1.0 + tally.successes, 1.0 + max(0, tally.trials - tally.successes))
    return (
        dict.fromkeys(ARMS, Beta(1.0, 1.0)),
        [Cell(category=category, segment=segment, arms=arms) for (category, segment), arms in cells.items()],
    )


class _Pool:
    """Texts by (product, segment, arm): written in the order in which they were missed."""

    def __init__(self, texts_per_s: float) -> None:
        self._every_ms = 1000 / texts_per_s
        self._asked: dict[tuple[str, str, str], float] = {}
        self._free_ms = 0.0

    def eligible(self, product: str, segment: str, now_ms: int) -> tuple[str, ...]:
        found = [CONTROL]
        for arm in ARMS[1:]:
            key = (product, segment, arm)
            ready = self._asked.get(key)
            if ready is None:
                self._free_ms = self._asked[key] = max(self._free_ms, now_ms) + self._every_ms
            elif ready <= now_ms:
                found.append(arm)
        return tuple(found)


def learn_on_paper(
    seed: int, learner: Learner = shrunk, *, seconds: float = 45.0, rate: float = 400.0, texts_per_s: float = 60.0
) -> Outcome:
    """Run it. `texts_per_s` is how fast copy is written."""
    settings, run_id = Settings(), f"paper-{seed}"
    experiment = experiment_of(settings)
    products = {each.product_id: each for each in demo_catalogue()}
    shop = DemoShop(seed, 3_000, list(products.values()))
    profiles = {row["user_id"]: row for row in shop.profiles()}
    segment_of = segments.compile(DEFAULT_TABLE)
    truth = TruthTable(seed, ARMS)
    audience, regret, pool = Audience(seed, run_id, truth), Regret(truth), _Pool(texts_per_s)
    snapshot = fixed_prior(
        version=1,
        experiment="default",
        arms=ARMS,
        epsilon=settings.policy.epsilon,
        draws=settings.policy.draws,
        created_ms=START_MS,
        by="",
        why="",
    )
    policy = Policy(snapshot)
    places: dict[str, Place] = {}
    seen: set[str] = set()
    clicked: set[str] = set()
    trials: defaultdict[Place, int] = defaultdict(int)
    wins: defaultdict[Place, int] = defaultdict(int)
    due: list[Reaction] = []
    carts: deque[tuple[int, CartAdded]] = deque()
    counts = {"decisions": 0, "reactions": 0, "carts": 0}

    def decide(event_id: str, kind: str, user: str, product_id: str, now_ms: int) -> None:
        counts["decisions"] += 1
        if held_out(experiment, user):
            return
        product, segment = products[product_id], segment_of({"user_profile": profiles.get(user)})
        eligible = pool.eligible(product_id, segment, now_ms)
        choices = policy.choices(product.category, segment, eligible)
        name = decision_id("demo", event_id)
        arm, _ = choices.pick(policy.draw(name))
        places[name.hex()] = (product.category, segment, arm)
        regret.choice(
            Choice(
                datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now_ms),
                product.category,
                "show",
                segment,
                arm,
                dict.fromkeys(eligible, 0.0),
                policy.version,
            )
        )
        heard = Heard(
            decision_id=name.hex(),
            user_id=user,
            product_id=product_id,
            category=product.category,
            action="show",
            segment=segment,
            shown=arm,
            kind=kind,
            token=name.hex(),
            catalogue=Priced(product.price_minor, product.currency),
        )
        for reaction in audience.react(heard, now_ms + 60):
            heapq.heappush(due, reaction)

    def come_back(now_ms: int) -> None:
        while due and due[0].due_ms <= now_ms:
            reaction = heapq.heappop(due)
            counts["reactions"] += 1
            event = decode_event(reaction.value(reaction.due_ms), reaction.due_ms)
            assert not isinstance(event, Rejection), event
            name = event.event_id.split("-")[-2]
            if isinstance(event, CartAdded):
                counts["carts"] += 1
                carts.append((reaction.due_ms, event))
            if reaction.what in ("click", "click_first") and name not in clicked:
                clicked.add(name)
                wins[places[name]] += 1
            if reaction.what in ("impression", "click_first") and name not in seen:
                seen.add(name)
                trials[places[name]] += 1

    known: deque[tuple[int, dict[Place, Tally]]] = deque()
    next_fit = START_MS + 1000
    ids: set[str] = set()
    for each in shop.events(run_id=run_id, rate=rate, seconds=seconds, duplicates=200, malformed=0, start_ms=START_MS):
        now_ms = START_MS + int(each.at_s * 1000)
        come_back(now_ms)
        while now_ms >= next_fit:
            known.append((next_fit, {place: Tally(wins[place], count) for place, count in trials.items()}))
            while known and known[0][0] + HEARD_AFTER_MS <= now_ms:
                _, tallies = known.popleft()
                prior, cells = learner(tallies)
                version = policy.version + 1
                policy = Policy(
                    msgspec.structs.replace(
                        snapshot, version=version, seed=f"default:{version}", prior=prior, cells=cells
                    )
                )
            next_fit += 1000
        while carts:
            at_ms, cart = carts.popleft()
            decide(cart.event_id, "cart_added", cart.user_id, cart.product_id, at_ms)
        event = decode_event(each.value, now_ms)
        assert not isinstance(event, Rejection)
        kind = event.__struct_config__.tag
        product_id = getattr(event, "product_id", None)
        if each.kind == "event" and kind in TRIGGERS and product_id is not None and event.event_id not in ids:
            ids.add(event.event_id)
            decide(event.event_id, str(kind), event.user_id, product_id, now_ms)
    come_back(START_MS + 10**9)
    return Outcome(regret.shares(), counts["decisions"], counts["reactions"], counts["carts"])
