"""collect as a process."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import structlog

from features.store.writer import StoreWriter
from patter.settings import Settings
from patter.wiring.agents import agent_rules
from patter.wiring.experiment import holdout_of
from patter.wiring.features import feature_options
from patter.wiring.kafka import group_of, kafka_options, topics_of
from patter.wiring.process import RoleProcess, now_ms
from patter.wiring.tokens import token_keys
from schemas.cells import DAY_MS
from schemas.errors import Code, ConfigError, PatterError
from schemas.topics import Topic
from streams.collect.categories import Categories
from streams.collect.rules import Rules
from streams.collect.setup import CollectSetup, CollectTopics
from streams.collect.step import ROLE, CollectWorker
from streams.collect.trials import FollowedTrials
from streams.kafka.admin import check_partitions
from streams.kafka.dump import read_topic
from streams.kafka.incarnation import incarnation_of
from streams.kafka.loop import Loop, LoopOptions

log = structlog.get_logger("patter.collect")

USED = ("events", "partials", "collect_state", "sketches", "catalog", "experiments")
# A batch closes by its time alone: at most one set of partials goes out in it.
BATCH_RECORDS = 1_000_000
ACTIVITY = "user_activity"


def collect_rules(settings: Settings) -> Rules:
    """What counting depends on, as the settings want it."""
    return Rules(
        keys=token_keys(settings),
        currency=settings.collect.currency,
        agents=agent_rules(settings),
        lateness_ms=int(settings.collect.lateness_days * DAY_MS),
        max_cells=settings.collect.max_cells,
        max_copies=settings.collect.max_copies,
        holdout=holdout_of(settings),
    )


def run_collect(settings: Settings, member: str, port: int | None) -> None:
    """Run until SIGTERM. Raises PatterError where it cannot start or go on."""
    process = RoleProcess(ROLE, member, settings, port)
    options = kafka_options(settings, f"patter-{member}")
    topics = topics_of(settings)
    check_partitions(options, {topics[name].name: topics[name].partitions for name in USED})
    _same_partitions(topics)
    events = topics["events"].name
    setup = CollectSetup(
        topics=CollectTopics(
            events,
            topics["partials"].name,
            topics["collect_state"].name,
            topics["partials"].partitions,
            topics["sketches"].name,
        ),
        rules=collect_rules(settings),
        incarnation=incarnation_of(options, events, settings.kafka.incarnation),
    )
    categories = Categories(options, topics["catalog"].name, now_ms)
    trials = FollowedTrials(options, topics["experiments"].name, now_ms)

    def swap() -> None:
        categories.swap()
        trials.swap()

    worker = CollectWorker(
        setup,
        lambda partition: chain.from_iterable(
            read_topic(options, topic, only=[partition]) for topic in (setup.topics.state, setup.topics.sketches)
        ),
        _activity_writer(settings),
        categories.of,
        process.metrics,
        now_ms,
        swap,
        trials.now,
    )
    loop = Loop(
        options,
        LoopOptions(
            role=ROLE,
            member=member,
            group=group_of(settings, ROLE),
            topic=events,
            batch_ms=settings.collect.batch_ms,
            batch_records=BATCH_RECORDS,
        ),
        worker,
        process.metrics,
        now_ms,
        process.beat,
    )
    try:
        loop.run(process.stop)
    finally:
        categories.close()
        trials.close()


def _same_partitions(topics: Mapping[str, Topic]) -> None:
    events = topics["events"]
    for name in ("collect_state", "sketches"):
        state = topics[name]
        if events.partitions != state.partitions:
            raise ConfigError(
                Code.TOPIC_MISMATCH,
                f"{state.name} has {state.partitions} partitions, {events.name} has {events.partitions}",
                where=f"topics.{name}.partitions",
                hint="a partition of the one keeps the state of the other's: give both the same number",
            )


def _activity_writer(settings: Settings) -> Callable[[Sequence[Mapping[str, object]], int], None]:
    """Writes user_activity where the feature repository has it; a store that is away when collect starts may come."""
    writer: StoreWriter | None = None
    if settings.features.repo_path is not None:
        log.info("user_activity is not written: the feature repository is your own")
        return lambda _rows, _event_ms: None

    def write(rows: Sequence[Mapping[str, object]], event_ms: int) -> None:
        nonlocal writer
        if writer is None:
            writer = StoreWriter.open(feature_options(settings))
        writer.write(ACTIVITY, rows, event_ms)

    try:
        write([], 1)
    except PatterError as error:
        log.warning("the feature store is away", error=str(error))
    return write
