"""learn as a worker: the Faust app, the publisher, and the policy writer where partition 0 is ours."""

import asyncio
import time
from collections.abc import Callable
from threading import Event as Flag

import structlog
from confluent_kafka import Consumer, KafkaException

from schemas.errors import Code, LackingError
from schemas.ports import Metrics
from streams.broadcast.reader import BroadcastReader
from streams.kafka.config import KafkaOptions, plain_consumer_config
from streams.kafka.watermarks import watermarks
from streams.learn.app import LearnApp
from streams.learn.duty import Duty
from streams.learn.names import Names
from streams.learn.policy import PolicyWriter
from streams.learn.publish import MetricsPublisher
from streams.learn.reading import Reading
from streams.learn.setup import ROLE, LearnSetup
from streams.learn.stats_store import RowWriter, StatsStore

log = structlog.get_logger("patter.streams.learn")

OWNER_PARTITION = 0
"""Who has this partition of partials writes policies and statistics."""

LOOK_S = 0.2
# A metric is older by this at most; twice as often would publish the same cells nearly twice as often.
PUBLISH_S = 0.5
# Cells of single texts are many, and every event changes others. What follows from them, P_conv and worn texts, is
# looked at by the minute; so they go out in rounds, a cell once in each.
TEXTS_S = 10.0
# Positions and ends are questions to the broker. A slow answer must not hold up what is published.
PLACES_S = 1.0
ENDS_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 20.0


class LearnWorker:
    """Runs in the calling thread's own event loop; installs no signal handlers and no loggers."""

    def __init__(
        self,
        options: KafkaOptions,
        setup: LearnSetup,
        metrics: Metrics,
        now_ms: Callable[[], int],
        store: Callable[[], RowWriter],
        beat: Callable[[bool], None],
    ) -> None:
        self._setup, self._metrics, self._now_ms, self._beat = setup, metrics, now_ms, beat
        self._names = Names()
        self._codes = BroadcastReader(options, [setup.topics.codes], now_ms)
        self._asker = Consumer(plain_consumer_config(options, isolation="read_uncommitted"))
        self._publisher = MetricsPublisher(options, setup.topics.metrics, self._names, metrics)
        stats = StatsStore(store, metrics, now_ms)
        policy = PolicyWriter(options, setup, metrics, now_ms, stats.offer)
        self._duties = (Duty("policy", policy.run), Duty("statistics", stats.run))
        self._reading = Reading(time.monotonic())
        self._app = LearnApp(options, setup, self._reading, time.monotonic, self._assigned)
        self._app.every(PUBLISH_S, self._publish)
        self._app.every(PLACES_S, self._places)
        self._counted: dict[str, int] = {}
        self._ticked = self._texts_at = time.monotonic()
        self._failure: Exception | None = None
        self._publishing = asyncio.Lock()

    def run(self, stop: Flag) -> None:
        """Until `stop` is set. Raises LackingError where it cannot go on and should be started anew."""
        self._codes.start()
        try:
            asyncio.run(self._run(stop))
        finally:
            for duty in self._duties:
                duty.close(STOP_TIMEOUT_S)
            self._codes.close()
            self._asker.close()

    async def _run(self, stop: Flag) -> None:
        app = self._app.faust
        try:
            await app.start()
            while not stop.is_set():
                for failure in (self._failure, *(duty.failure for duty in self._duties)):
                    if failure is not None:
                        raise failure
                if app.crashed:
                    raise LackingError(Code.BROKER_FAILED, "Faust has crashed", where=repr(app.crash_reason))
                self._beat(self._reading.ready())
                await asyncio.sleep(LOOK_S)
            await self._publish_changes(texts=True)
        finally:
            try:
                await asyncio.wait_for(app.stop(), STOP_TIMEOUT_S)
            except TimeoutError:
                # Nothing is lost: the next owner of the partitions reads them from the beginning.
                log.warning("Faust did not stop in time")

    def _assigned(self, partitions: frozenset[int]) -> None:
        self._metrics.add("patter_rebalances_total", role=ROLE, kind="assigned")
        for duty in self._duties:
            duty.hold(held=OWNER_PARTITION in partitions)

    async def _places(self) -> None:
        try:
            positions = await self._app.positions()
            ends = await asyncio.to_thread(self._ends, self._reading.partitions)
            now = time.monotonic()
            self._reading.tick(positions, ends, now)
            why = self._reading.stalled(now)
            if why:
                raise LackingError(Code.BROKER_FAILED, why, where=self._setup.topics.partials)
            self._gauges(now)
        except Exception as error:  # noqa: BLE001 - handed to the main task, which ends the worker with it
            self._failure = error

    async def _publish(self) -> None:
        now = time.monotonic()
        texts = now - self._texts_at >= TEXTS_S
        try:
            await self._publish_changes(texts=texts)
        except Exception as error:  # noqa: BLE001 - as above
            self._failure = error
        if texts:
            self._texts_at = now

    async def _publish_changes(self, *, texts: bool) -> None:
        """Publish what changed in partitions that are known whole; a half-read cell would look like a smaller one."""
        held = self._app.held
        held.named(self._names.take(self._codes.drain()))
        if self._codes.whole_ms(self._setup.topics.codes) is None:
            return
        # The publisher belongs to one thread at a time, and the last call may meet the timer's.
        async with self._publishing:
            changes = held.take_dirty(self._reading.whole(), texts=texts)
            if changes:
                failed = await asyncio.to_thread(self._publisher.publish, changes)
                held.published(changes, self._names)
                held.back(failed)

    def _ends(self, partitions: tuple[int, ...]) -> dict[int, int]:
        ends = {}
        for partition in partitions:
            try:
                _, ends[partition] = watermarks(self._asker, self._setup.topics.partials, partition, ENDS_TIMEOUT_S)
            except KafkaException as error:
                log.warning("end unknown", partition=partition, error=str(error.args[0]))
                break
        return ends

    def _gauges(self, now_s: float) -> None:
        put, held = self._metrics.set, self._app.held
        put("patter_cells", len(held), role=ROLE)
        for partition, lag in self._reading.lags().items():
            put("patter_lag_records", lag, role=ROLE, partition=str(partition))
        if held.newest_ms is not None:
            put("patter_aggregate_age_seconds", (self._now_ms() - held.newest_ms) / 1000, role=ROLE)
        rise = {name: count - self._counted.get(name, 0) for name, count in held.outcomes.items()}
        self._counted = dict(held.outcomes)
        for outcome, count in rise.items():
            self._metrics.add("patter_partials_total", count, role=ROLE, outcome=outcome)
        self._metrics.add("patter_records_in_total", sum(rise.values()), role=ROLE)
        self._metrics.set("patter_handled_rate", sum(rise.values()) / max(now_s - self._ticked, 1e-3), role=ROLE)
        self._ticked = now_s
