"""serve's worker: a batch of records in, decisions, requests, dead letters and codes out."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

import msgspec
from msgspec import Struct

from features.store.breaker import StorePaused
from inference.decide.hashing import decision_id
from schemas.copy import CopyRequest
from schemas.decode import Rejection, decode_event
from schemas.ports import FeatureReader, Metrics
from streams.broadcast.gauges import StateGauges
from streams.broadcast.states import States
from streams.dlq import RejectBrake, letter
from streams.kafka.records import Batch, Out, Put, Record
from streams.serve.codes import Codes
from streams.serve.decide import Decider, Known
from streams.serve.gate import Trigger
from streams.serve.judge import Judge, Sorted
from streams.serve.menu import PoolKey
from streams.serve.misses import Misses
from streams.serve.seen import SeenSet
from streams.serve.setup import ServeSetup
from streams.serve.tally import ROLE, Tally
from streams.serve.world import Stamp, World, stamp_of

_encode = msgspec.json.Encoder().encode
Rewarm = Callable[[int, int, int, Callable[[int, bytes | None, int], None]], None]


class _Uncounted(Struct, frozen=True):
    """What the last batch adds to the metrics once it counts."""

    outcomes: Counter[str]
    codes: Counter[str]
    tally: Tally
    rows_at_hand: int


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
        self._metrics, self._now_ms, self._rewarm = metrics, now_ms, rewarm
        self._seen = SeenSet(setup.seen_window)
        self._judge = Judge(setup, self._seen, brake)
        self._misses = Misses(setup.miss_quiet_ms)
        self._codes = Codes(code_names)
        self._decider = Decider(setup, self._codes)
        self._recipes = {recipe.name: recipe for recipe in setup.experiment.recipes}
        self._gauges = StateGauges(ROLE, states, metrics, reader)
        self._stamp: Stamp | None = None
        self._uncounted: _Uncounted | None = None

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

    def wants(self) -> bool:
        return False

    def ready(self) -> bool:
        return self._states.whole() and self._states.policy is not None

    def idle(self) -> None:
        self._states.swap()
        self._gauges.beat(self._now_ms())

    def step(self, records: Sequence[Record]) -> Batch:
        batch = self._judge.judge(records)
        now_ms = self._now_ms()
        self._decider.place(self._states.experiments.running())
        began = time.perf_counter()
        try:
            known = self._decider.look_up(batch.triggers, self._reader, now_ms)
        except StorePaused:
            self.aborted()
            return Batch([], hold=True)
        took = time.perf_counter() - began
        self._metrics.observe("patter_stage_duration_seconds", took, role=ROLE, stage="features")
        self._gauges.ages(lambda: self._decider.rows(known), now_ms)
        tally = Tally()
        codes = Counter(rejection.code.value for _, rejection in batch.rejected)
        self._uncounted = _Uncounted(batch.outcomes, codes, tally, known.rows_at_hand)
        bulk = partial(self._decide, batch.triggers, known, tally, now_ms)
        return Batch(self._others(batch, tally, now_ms), bulk)

    def committed(self, records: Sequence[Record]) -> None:
        self._seen.commit()
        self._misses.commit()
        self._codes.commit()
        if self._uncounted is not None:
            self._count(self._uncounted)
            self._uncounted = None

    def aborted(self) -> None:
        self._seen.forget()
        self._misses.forget()
        self._uncounted = None

    def _world(self, now_ms: int) -> World:
        states = self._states
        assert states.policy is not None, "the loop reads nothing before `ready`"
        price_known = now_ms - states.catalogue_ms() <= self._setup.price_ms
        self._stamp = stamp_of(states.policy, self._stamp, price_known=price_known)
        return World(now_ms, states.catalogue, states.pool, self._stamp, states.take_changed())

    def _decide(
        self,
        triggers: Sequence[Trigger],
        known: Known,
        tally: Tally,
        now_ms: int,
        put: Put,
        wait: Callable[[], None],
    ) -> None:
        began = time.perf_counter()
        self._decider.begin(self._world(now_ms))
        self._decider.decide(triggers, known, tally, put, wait)
        self._metrics.observe("patter_stage_duration_seconds", time.perf_counter() - began, role=ROLE, stage="decide")

    def _others(self, batch: Sorted, tally: Tally, now_ms: int) -> Iterator[Out]:
        """What goes out besides decisions, and partly because of them."""
        topics = self._setup.topics
        letters = (letter(topics.dlq, record, ROLE, rejection) for record, rejection in batch.rejected)
        names = (Out(topics.codes, f"{entry.code:08x}".encode(), _encode(entry)) for entry in self._codes.fresh())
        for out in chain(self._requests(tally, now_ms), letters, names):
            tally.topics[out.topic] += 1
            yield out

    def _requests(self, tally: Tally, now_ms: int) -> Iterator[Out]:
        for event_id, places in tally.taken.missed:
            for place in places:
                if self._misses.ask(place, now_ms):
                    yield self._request(place, decision_id(self._setup.tenant, event_id).hex(), now_ms)

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

    def _count(self, counted: _Uncounted) -> None:
        add = self._metrics.add
        for outcome, number in counted.outcomes.items():
            add("patter_outcomes_total", number, role=ROLE, outcome=outcome)
        for code, number in counted.codes.items():
            add("patter_dlq_records_total", number, role=ROLE, code=code)
        add("patter_feature_cache_total", counted.rows_at_hand, role=ROLE, result="hit")
        counted.tally.tell(self._metrics)
