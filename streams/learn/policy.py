"""The policy writer: the one thread of the one learn worker that publishes policies.

It reads all of `patter.metrics.v1`, the pool and the policy topic, and follows them. Where the broker has transactions,
whoever opens the writer's transactional id fences everyone who had it before: another worker that believes itself the
writer, or a person with `patter policy set`. So it reads the policy topic to its end *after* it has opened its own, and
as long as it can commit, nobody else has published since.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from threading import Event as Flag

import msgspec
import structlog
from confluent_kafka import KafkaException

from schemas.errors import PatterError
from schemas.policies import PolicySnapshot
from schemas.ports import Metrics
from schemas.token import code_of
from streams.broadcast.reader import BroadcastReader
from streams.kafka.config import KafkaOptions
from streams.kafka.records import Record
from streams.learn.arm_scores import ArmScores
from streams.learn.cells import rates
from streams.learn.cohorts import Cohorts
from streams.learn.conversion import InForce, Refitting
from streams.learn.fatigue import Fatigue
from streams.learn.output import PolicyOutput
from streams.learn.overview import Overview, StatsRow
from streams.learn.setup import ROLE, LearnSetup
from streams.learn.snapshots import next_snapshot
from streams.learn.texts import PoolTexts
from streams.learn.trials import Trials

log = structlog.get_logger("patter.streams.learn")

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
        self._told = 0

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
        cohorts = Cohorts(code_of(setup.experiment), setup.arms, setup.reward, setup.ageing)
        judged: tuple[int, PolicySnapshot | None, InForce, dict[str, float]] | None = None
        texts = PoolTexts()
        refitting = Refitting(setup.conversion, setup.refit_every_s, texts)
        trials, scores = Trials(setup, cohorts), ArmScores(setup.conversion if setup.styles is not None else None)
        fatigue = Fatigue(setup.fatigue, texts) if setup.fatigue is not None else None
        followed = [topics.metrics, topics.policy]
        followed += [topics.experiments] if topics.experiments is not None else []
        followed += [topics.copy] if setup.conversion is not None or fatigue is not None else []
        followed += [topics.retirements] if fatigue is not None else []
        self._newest, self._told = None, 0
        output = PolicyOutput(self._options, topics.policy, topics.policy_log, setup.tenant)
        opened_ms = self._now_ms()
        reader = BroadcastReader(self._options, followed, self._now_ms)
        try:
            reader.start()
            published = 0.0
            while not stop.wait(LOOK_S):
                records = reader.drain()
                counted = [record for record in records if record.topic == topics.metrics]
                overview.take(counted)
                cohorts.take(counted)
                pool = [record for record in records if record.topic == topics.copy]
                for record in pool:
                    texts.take(record)
                    scores.take(record)
                refitting.take(counted)
                if fatigue is not None:
                    fatigue.take(counted, (each for each in records if each.topic == topics.retirements))
                self._heed(record for record in records if record.topic == topics.policy)
                trials.take(records)
                known = [reader.whole_ms(topic) or 0 for topic in followed]
                if min(known) < opened_ms:
                    continue
                rows = overview.take_rows()
                self._offer(rows)
                if rows:
                    self._arm_rates(overview)
                now = time.monotonic()
                if now - published >= setup.every_s:
                    in_force = refitting.renew(now)
                    state = (cohorts.version, self._newest, in_force, warm := scores.warm(in_force))
                    made = None
                    # A fit of the same is the same.
                    if state != judged:
                        made = next_snapshot(setup, cohorts, self._newest, self._now_ms(), in_force, warm)
                        judged = state
                    made = trials.put(made, self._newest, self._now_ms())
                    if made is not None and not stop.is_set():
                        output.publish(made)
                        log.info("policy", version=made.version, cells=len(made.cells), why=made.why)
                        published, self._newest = now, made
                if fatigue is not None and not stop.is_set():
                    self._retire(fatigue, output)
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
            # Of two snapshots with one version the first on the topic holds, for serve too: where a broker has no
            # transactions, a person's may have come before the one that was published here.
            if snapshot.version > self._told:
                self._told = snapshot.version
                if self._newest is None or snapshot.version >= self._newest.version:
                    self._newest = snapshot

    def _retire(self, fatigue: Fatigue, output: PolicyOutput) -> None:
        """Publish what is retired now, if anything, all of it or nothing."""
        found = fatigue.due(self._now_ms())
        if found:
            topic = self._setup.topics.retirements
            output.put([(topic, each.key().encode(), msgspec.json.encode(each)) for each in found])
            fatigue.wrote(found)
        for each in found:
            self._metrics.add("patter_copy_retired_total", role=ROLE, reason=each.reason)
            log.info("retired", copy_id=each.copy_id, segment=each.segment, why=each.why)
        self._metrics.set("patter_copy_worn_waiting", fatigue.waiting, role=ROLE)

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
