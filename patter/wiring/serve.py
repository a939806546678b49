"""serve as a process."""

from collections.abc import Mapping
from functools import partial

import structlog

from features.segments import SegmentTable
from features.segments import compile as compile_segments
from features.store.heap import settle_heap
from features.store.start import open_reader
from inference.bundle import load_bundle
from inference.generate.channels import LIMITS
from patter.settings import Settings
from patter.wiring.agents import agent_rules
from patter.wiring.brand import brand_rules
from patter.wiring.bundle import bundle_path
from patter.wiring.experiment import experiment_of, segment_table
from patter.wiring.features import feature_options
from patter.wiring.kafka import group_of, kafka_options, topics_of
from patter.wiring.process import RoleProcess, now_ms
from patter.wiring.tokens import token_keys
from schemas.ports import FeatureReader
from streams.broadcast.pool import Pool
from streams.broadcast.reader import BroadcastReader
from streams.broadcast.states import States, StateTopics
from streams.dlq import RejectBrake
from streams.kafka.admin import check_partitions
from streams.kafka.loop import Loop, LoopOptions
from streams.kafka.window import read_window
from streams.serve.native import press_kind
from streams.serve.setup import FrequencyCap, ServeSetup, ServeTopics
from streams.serve.step import ServeWorker
from streams.serve.tally import ROLE

log = structlog.get_logger("patter.serve")

USED = ("events", "decisions", "copy_requests", "codes", "dlq", "catalog", "copy", "policy", "experiments")


def serve_setup(
    settings: Settings,
    member: str,
    reader: FeatureReader,
    bundle_sha256: str,
    conversion_version: str | None = None,
    keys: Mapping[int, bytes] | None = None,
) -> ServeSetup:
    """What serve's decisions depend on. `keys` of tokens are the settings', where none are given."""
    topics = {logical: topic.name for logical, topic in topics_of(settings).items()}
    table = segment_table(settings)
    cap = settings.serve.frequency_cap
    view, _, feature = cap.feature.partition(":") if cap else ("", "", "")
    keys = token_keys(settings) if keys is None else keys
    return ServeSetup(
        tenant=settings.tenant,
        worker=member,
        topics=ServeTopics(**{name: topics[name] for name in ServeTopics.__struct_fields__}),
        experiment=experiment_of(settings),
        segment_of=compile_segments(table, None, user_views={v for v, key in reader.views if key == "user_id"}),
        segment_version=table.version,
        segments_see_products=bool(_named_views(table) & {v for v, key in reader.views if key == "product_id"}),
        triggers=frozenset(settings.serve.triggers),
        agents=agent_rules(settings),
        cap=FrequencyCap(view, feature, cap.limit) if cap else None,
        channel=settings.serve.channel,
        locale=settings.serve.locale,
        max_chars=LIMITS[settings.serve.channel],
        rules=brand_rules(settings),
        views=tuple(reader.views),
        key_id=settings.tokens.active,
        key=keys[settings.tokens.active],
        bundle_sha256=bundle_sha256,
        conversion_version=conversion_version,
        seen_window=settings.serve.seen_window,
        show_out_of_stock=settings.serve.show_out_of_stock,
        miss_quiet_ms=int(settings.serve.miss_quiet_s * 1000),
    )


def _named_views(table: SegmentTable) -> set[str]:
    return {each.feature.partition(":")[0] for rule in table.rules for each in (*rule.all, *rule.any)}


def reject_brake(settings: Settings) -> RejectBrake:
    """The brake as the settings want it."""
    return RejectBrake(settings.brake.run, settings.brake.ratio, settings.brake.window)


def run_serve(settings: Settings, member: str, port: int | None, *, resumed: bool = False) -> None:
    """Run until SIGTERM. A worker that is `resumed` after its death does not demand that the feature store answers.

    Raises PatterError where it cannot start or go on.
    """
    process = RoleProcess(ROLE, member, settings, port)
    options = kafka_options(settings, f"patter-{member}")
    topics = topics_of(settings)
    check_partitions(options, {topics[name].name: topics[name].partitions for name in USED})
    bundle = load_bundle(bundle_path(settings))
    reader = open_reader(feature_options(settings), demand_store=not resumed)
    conversion = bundle.conversion
    setup = serve_setup(settings, member, reader, bundle.sha256, conversion.version if conversion else None)
    read = ("catalog", "copy", "policy", "codes", "experiments")
    state_topics = StateTopics(**{state: topics[state].name for state in read})
    broadcast = BroadcastReader(options, list(state_topics.names().values()), now_ms)
    pool = Pool(setup.channel, setup.locale, bundle.sha256)
    states = States(broadcast, state_topics, pool, process.metrics, ROLE)
    broadcast.start()
    rewarm = partial(read_window, options, setup.topics.events)
    worker = ServeWorker(setup, states, reader, process.metrics, now_ms, rewarm, reject_brake(settings), states.codes)
    loop = Loop(
        options,
        LoopOptions(
            role=ROLE,
            member=member,
            group=group_of(settings, ROLE),
            topic=setup.topics.events,
            batch_ms=settings.serve.batch_ms,
            batch_records=settings.serve.batch_records,
        ),
        worker,
        process.metrics,
        now_ms,
        process.beat,
    )
    log.info("serve", press=press_kind(), features=reader.path)
    settle_heap()
    try:
        loop.run(process.stop)
    finally:
        broadcast.close()
        reader.close()
