"""The policy writer: the one thread of the one learn worker that publishes policies.

It reads all of `patter.metrics.v1` and the policy topic, and follows them. Where the broker has transactions, whoever
opens the writer's transactional id fences everyone who had it before: another worker that believes itself the writer,
or a person with `patter policy set`. So it reads the policy topic to its end *after* it has opened its own, and as long
as it can commit, nobody else has published since.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from threading import Event as Flag

import msgspec
import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.errors import Code, LackingError, PatterError
from schemas.policies import PolicySnapshot
from schemas.ports import Metrics
from streams.broadcast.reader import BroadcastReader
from streams.kafka.config import KafkaOptions, producer_config, transactional_config
from streams.kafka.records import Record
from streams.learn.cells import rates
from streams.learn.overview import Overview, StatsRow
from streams.learn.setup import ROLE, LearnSetup
from streams.learn.snapshots import next_snapshot

log = structlog.get_logger("patter.streams.learn")

KEY = b"policy"
TIMEOUT_S = 30.0
# Between looks at the topics; a policy goes out at most every `every_s`.
LOOK_S = 0.1
# After it was fenced, or the broker was away: whoever fenced it should have finished.
PAUSE_S = 2.0
_policy = msgspec.json.Decoder(PolicySnapshot)


class PolicyWriter:
    """Fits and publishes until it is told to stop. `offer` takes rows for the feature store and returns at once."""

    def __init__(
        self,
        options: KafkaOptions,
        setup: LearnSetup,
        metrics: Metrics,
        now_ms: Callable[[], int],
        offer: Callable[[Sequence[StatsRow]], None],
    ) -> None:
        self._options, self._setup, self._metrics = options, setup, metrics
        self._now_ms, self._offer = now_ms, offer
        self._newest: PolicySnapshot | None = None

    def run(self, stop: Flag) -> None:
        """Open, follow, publish; after a failure open again."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except (PatterError, KafkaException) as error:
                self._metrics.add("patter_policy_failures_total", role=ROLE)
                log.warning("policy writer interrupted", error=str(error))
                stop.wait(PAUSE_S)

    def _follow(self, stop: Flag) -> None:
        topics, setup = self._setup.topics, self._setup
        overview = Overview()
        self._newest = None
        output = _Output(self._options, setup)
        opened_ms = self._now_ms()
        reader = BroadcastReader(self._options, [topics.metrics, topics.policy], self._now_ms)
        try:
            reader.start()
            published = 0.0
            while not stop.wait(LOOK_S):
                records = reader.drain()
                overview.take(record for record in records if record.topic == topics.metrics)
                self._heed(record for record in records if record.topic == topics.policy)
                known = [reader.whole_ms(topic) or 0 for topic in (topics.metrics, topics.policy)]
                if min(known) < opened_ms:
                    continue
                rows = overview.take_rows()
                self._offer(rows)
                if rows:
                    self._arm_rates(overview)
                now = time.monotonic()
                if now - published >= setup.every_s:
                    made = next_snapshot(setup, overview, self._newest, self._now_ms())
                    if made is not None and not stop.is_set():
                        output.publish(made)
                        published, self._newest = now, made
                self._gauges()
        finally:
            reader.close()
            output.close()

    def _heed(self, records: Iterable[Record]) -> None:
        for record in records:
            try:
                snapshot = _policy.decode(record.value or b"")
            except msgspec.MsgspecError:
                log.warning("policy record skipped", offset=record.offset)
                continue
            if self._newest is None or snapshot.version > self._newest.version:
                self._newest = snapshot

    def _arm_rates(self, overview: Overview) -> None:
        for arm, counters in overview.arms(self._setup.experiment, self._setup.arms).items():
            for name, rate in rates(counters).items():
                if rate.value is not None:
                    self._metrics.set("patter_arm_rate", rate.value, role=ROLE, arm=arm, rate=name)

    def _gauges(self) -> None:
        if self._newest is not None:
            age = (self._now_ms() - self._newest.created_ms) / 1000
            self._metrics.set("patter_policy_version", self._newest.version, role=ROLE)
            self._metrics.set("patter_policy_age_seconds", age, role=ROLE)


class _Output:
    """Where snapshots go: the policy topic and its log, together where the broker can do that."""

    def __init__(self, options: KafkaOptions, setup: LearnSetup) -> None:
        self._topics = setup.topics
        self._transactional = options.delivery == "exactly_once"
        self._failed: KafkaError | None = None
        if self._transactional:
            self._producer = Producer(transactional_config(options, setup.policy_writer))
            self._producer.init_transactions(TIMEOUT_S)
        else:
            self._producer = Producer(producer_config(options))

    def publish(self, snapshot: PolicySnapshot) -> None:
        """Raises KafkaException (fenced by another writer, or the broker is away), LackingError."""
        value = msgspec.json.encode(snapshot)
        if self._transactional:
            self._producer.begin_transaction()
        self._failed = None
        self._producer.produce(self._topics.policy, value=value, key=KEY, on_delivery=self._delivered)
        self._producer.produce(
            self._topics.policy_log, value=value, key=str(snapshot.version).encode(), on_delivery=self._delivered
        )
        if self._transactional:
            self._producer.commit_transaction(TIMEOUT_S)
        elif self._producer.flush(TIMEOUT_S) or self._failed:
            raise LackingError(
                Code.BROKER_FAILED, "the policy was not acknowledged", where=f"{self._topics.policy}: {self._failed}"
            )
        log.info("policy", version=snapshot.version, cells=len(snapshot.cells), why=snapshot.why)

    def close(self) -> None:
        """Roll back what is open, so that nobody waits for it."""
        with contextlib.suppress(KafkaException):
            self._producer.flush(1.0)
            if self._transactional:
                self._producer.abort_transaction(1.0)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed = error
