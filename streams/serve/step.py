"""serve's worker: a batch of records in, decisions, requests, dead letters and codes out."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import cast

import msgspec
from msgspec import Struct

from features.store.breaker import StorePaused
from schemas.copy import CopyRequest
from schemas.decode import Rejection, decode_event
from schemas.events import KIND_OF, Event
from schemas.ports import FeatureReader, Metrics
from streams.broadcast.gauges import StateGauges
from streams.broadcast.states import States
from streams.dlq import RejectBrake, letter
from streams.kafka.records import Batch, Out, Record
from streams.serve.codes import Codes
from streams.serve.decide import Decided, Decider, Trigger
from streams.serve.menu import PoolKey
from streams.serve.misses import Misses
from streams.serve.seen import SeenSet
from streams.serve.setup import ServeSetup
from streams.serve.world import Stamp, World, stamp_of, world_at

ROLE = "serve"
_encode = msgspec.json.Encoder().encode
_dish, _lookups, _misses = attrgetter("dish"), attrgetter("lookups"), attrgetter("misses")
_shopper_states, _product_states = attrgetter("shopper_states"), attrgetter("product_states")
# User agents remembered; there are some thousands of real ones, and whoever invents more must not fill the memory.
MAX_AGENTS = 10_000
Rewarm = Callable[[int, int, int, Callable[[int, bytes | None, int], None]], None]


class Sorted(Struct, frozen=True):
    """A batch after judgement: what to decide, what to set aside, and how many went which way."""

    triggers: list[tuple[Record, Trigger]]
    rejected: list[tuple[Record, Rejection]]
    outcomes: Counter[str]


class ServeWorker:
    """Implements `streams.kafka.worker.Worker` for serve."""

    def __init__(
        self,
        setup: ServeSetup,
        states: States,
        reader: FeatureReader,
        metrics: Metrics,
        now_ms: Callable[[], int],
        rewarm: Rewarm,
        brake: RejectBrake,
        code_names: Mapping[int, str],
    ) -> None:
        self._setup, self._states, self._reader = setup, states, reader
        self._metrics, self._now_ms, self._rewarm, self._brake = metrics, now_ms, rewarm, brake
        self._seen = SeenSet(setup.seen_window)
        self._misses = Misses(setup.miss_quiet_ms)
        self._codes = Codes(code_names)
        self._decider = Decider(setup, self._codes)
        self._recipes = {recipe.name: recipe for recipe in setup.experiment.recipes}
        self._gauges = StateGauges(ROLE, states, metrics, reader)
        self._agents: dict[str, bool] = {}
        self._stamp: Stamp | None = None
        self._uncounted: tuple[Sorted, list[Decided], list[Out]] | None = None

    def assigned(self, positions: Mapping[int, int]) -> None:
        for partition, position in positions.items():
            self._seen.start(partition)

            def put(offset: int, value: bytes | None, timestamp_ms: int, partition: int = partition) -> None:
                event = decode_event(value, timestamp_ms)
                if not isinstance(event, Rejection):
                    self._seen.remember(partition, offset, event.event_id)

            self._rewarm(partition, max(0, position - self._setup.seen_window), position, put)

    def revoked(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            self._seen.stop(partition)

    def ready(self) -> bool:
        return self._states.whole() and self._states.policy is not None

    def idle(self) -> None:
        self._states.swap()
        self._gauges.beat(self._now_ms(), ready=self.ready())

    def step(self, records: Sequence[Record]) -> Batch:
        batch = self.judge(records)
        now_ms = self._now_ms()
        began = time.perf_counter()
        users = [event.user_id for _, event in batch.triggers]
        products = [event.product_id or "" for _, event in batch.triggers]
        try:
            rows = self._reader.read({"user_id": users, "product_id": products}, now_ms)
        except StorePaused:
            self.aborted()
            return Batch([], hold=True)
        read = time.perf_counter()
        self._gauges.ages(rows, now_ms)
        world = self._world(now_ms)
        self._decider.begin(rows)
        decide = self._decider.decide
        decided = [decide(event, record, world) for record, event in batch.triggers]
        outs = self._outs(batch, decided, now_ms)
        self._uncounted = (batch, decided, outs)
        self._metrics.observe("patter_stage_duration_seconds", read - began, role=ROLE, stage="features")
        self._metrics.observe("patter_stage_duration_seconds", time.perf_counter() - read, role=ROLE, stage="decide")
        return Batch(outs)

    def committed(self, records: Sequence[Record]) -> None:
        self._seen.commit()
        self._misses.commit()
        self._codes.commit()
        if self._uncounted is not None:
            self._count(*self._uncounted)
            self._uncounted = None

    def aborted(self) -> None:
        self._seen.forget()
        self._misses.forget()
        self._uncounted = None

    def judge(self, records: Sequence[Record]) -> Sorted:
        """Every record's fate, in the order of judgement: dlq, duplicate, not_trigger, suppressed, decision."""
        outcomes: Counter[str] = Counter()
        triggers: list[tuple[Record, Trigger]] = []
        rejected: list[tuple[Record, Rejection]] = []
        wanted, judge = self._setup.triggers, self._seen.judge
        verdicts = []
        for record in records:
            event = decode_event(record.value, record.timestamp_ms)
            bad = isinstance(event, Rejection)
            verdicts.append(bad)
            if isinstance(event, Rejection):
                rejected.append((record, event))
            elif judge(record.partition, record.offset, event.event_id):
                outcomes["duplicate"] += 1
            elif KIND_OF[type(event)] not in wanted or getattr(event, "product_id", None) is None:
                outcomes["not_trigger"] += 1
            elif self._is_bot(event):
                outcomes["suppressed"] += 1
            else:
                triggers.append((record, cast("Trigger", event)))
        self._brake.check(verdicts, ROLE)
        outcomes["dlq"] = len(rejected)
        outcomes["decision"] = len(triggers)
        return Sorted(triggers, rejected, outcomes)

    def _is_bot(self, event: Event) -> bool:
        agent = event.user_agent
        if agent is None:
            return False
        known = self._agents.get(agent)
        if known is None:
            if len(self._agents) >= MAX_AGENTS:
                self._agents.clear()
            known = self._agents[agent] = any(part in agent.lower() for part in self._setup.bots)
        return known

    def _world(self, now_ms: int) -> World:
        states = self._states
        assert states.policy is not None, "the loop reads nothing before `ready`"
        price_known = now_ms - states.catalogue_ms() <= self._setup.price_ms
        self._stamp = stamp_of(states.policy, states.pool, self._stamp, price_known=price_known)
        return world_at(now_ms, self._stamp, states.catalogue, states.pool)

    def _outs(self, batch: Sorted, decided: list[Decided], now_ms: int) -> list[Out]:
        topics = self._setup.topics
        outs = []
        for (_, event), each in zip(batch.triggers, decided, strict=True):
            outs.append(Out(topics.decisions, event.user_id.encode(), each.value))
            for place in each.misses:
                if self._misses.ask(place, now_ms):
                    outs.append(self._request(place, each.decision_id, now_ms))
        for record, rejection in batch.rejected:
            outs.append(letter(topics.dlq, record, ROLE, rejection))
        for entry in self._codes.fresh():
            outs.append(Out(topics.codes, f"{entry.code:08x}".encode(), _encode(entry)))
        return outs

    def _request(self, place: PoolKey, decision: str, now_ms: int) -> Out:
        setup = self._setup
        product_id, segment, variant = place
        recipe = self._recipes[variant]
        request = CopyRequest(
            product_id=product_id,
            segment=segment,
            variant=variant,
            channel=setup.channel,
            locale=setup.locale,
            tone=recipe.tone,
            cta=recipe.cta,
            length=recipe.length,
            requested_ms=now_ms,
            decision_id=decision,
        )
        return Out(setup.topics.copy_requests, request.key().encode().encode(), _encode(request))

    def _count(self, batch: Sorted, decided: list[Decided], outs: list[Out]) -> None:
        add = self._metrics.add
        for outcome, number in batch.outcomes.items():
            add("patter_outcomes_total", number, role=ROLE, outcome=outcome)
        for code, number in Counter(rejection.code.value for _, rejection in batch.rejected).items():
            add("patter_dlq_records_total", number, role=ROLE, code=code)
        for topic, number in Counter(out.topic for out in outs).items():
            add("patter_records_out_total", number, role=ROLE, topic=topic)
        dishes = {id(each.dish): each.dish for each in decided}
        for name, number in Counter(map(id, map(_dish, decided))).items():
            dish = dishes[name]
            add("patter_decisions_total", number, role=ROLE, source=dish.source, override=dish.override)
        for view, states in self._feature_states(decided).items():
            for state, number in states.items():
                add("patter_feature_rows_total", number, role=ROLE, view=view, state=state)
        lookups = sum(map(_lookups, decided))
        misses = sum(map(len, map(_misses, decided)))
        add("patter_pool_lookups_total", lookups - misses, role=ROLE, result="hit")
        add("patter_pool_lookups_total", misses, role=ROLE, result="miss")

    def _feature_states(self, decided: list[Decided]) -> dict[str, Counter[str]]:
        """View -> how many decisions saw it in which state. Few combinations occur: they are parsed, not each one."""
        views: dict[str, Counter[str]] = {}
        sides = Counter(map(_shopper_states, decided))
        sides.update(map(_product_states, decided))
        for encoded, number in sides.items():
            for view, state in msgspec.json.decode(b"{" + encoded + b"}", type=dict[str, str]).items():
                views.setdefault(view, Counter())[state] += number
        return views
