"""generate as a process."""

from inference.bundle import load_bundle
from inference.generate import open_writer
from inference.generate.judge import Standards
from patter.settings import Settings
from patter.wiring.brand import brand_rules
from patter.wiring.bundle import bundle_path
from patter.wiring.experiment import experiment_of
from patter.wiring.kafka import group_of, kafka_options, topics_of
from patter.wiring.process import RoleProcess, now_ms
from patter.wiring.serve import reject_brake
from streams.broadcast.reader import BroadcastReader
from streams.broadcast.states import States, StateTopics
from streams.generate.entries import Entries
from streams.generate.measure import Measure
from streams.generate.predicting import Predicting
from streams.generate.setup import GenerateSetup, GenerateTopics
from streams.generate.standards import CatalogueStandards
from streams.generate.step import ROLE, GenerateWorker
from streams.kafka.admin import check_partitions
from streams.kafka.loop import Loop, LoopOptions

USED = ("copy_requests", "copy", "copy_review", "copy_rulings", "creativity", "retirements", "dlq", "catalog", "policy")
# A batch of requests should fill the model's batch, but the first shopper of a new product should not wait for it.
BATCH_MS = 50


def run_generate(settings: Settings, member: str, port: int | None) -> None:
    """Run until SIGTERM. Raises PatterError where it cannot start or go on."""
    process = RoleProcess(ROLE, member, settings, port)
    options = kafka_options(settings, f"patter-{member}")
    topics = topics_of(settings)
    check_partitions(options, {topics[name].name: topics[name].partitions for name in USED})
    part = settings.generate
    folder = bundle_path(settings)
    bundle = load_bundle(folder)
    controls = bundle.generation.controls
    writer = open_writer(folder, provider=part.provider, threads=part.threads, batch=part.batch)
    setup = GenerateSetup(
        topics=GenerateTopics(
            topics["copy_requests"].name, topics["copy"].name, topics["copy_review"].name, topics["dlq"].name
        ),
        channel=settings.serve.channel,
        partitions=topics["copy_requests"].partitions,
        expire_ms=int(part.expire_s * 1000),
        tries=part.tries,
        candidates=part.candidates,
        active=part.active,
        creativity=part.creativity,
        review=part.review,
        recipes={recipe.name: recipe for recipe in experiment_of(settings).recipes},
    )
    standards = Standards(rules=brand_rules(settings), kinds=controls.categories, telltales=controls.telltales)
    state_topics = StateTopics(
        topics["catalog"].name,
        topics["copy"].name,
        policy=topics["policy"].name,
        rulings=topics["copy_rulings"].name,
        creativity=topics["creativity"].name,
        retirements=topics["retirements"].name,
    )
    broadcast = BroadcastReader(options, list(state_topics.names().values()), now_ms)
    pool = Entries(setup.channel, settings.serve.locale, writer.bundle_sha256)
    states = States(broadcast, state_topics, pool, process.metrics, ROLE)
    broadcast.start()
    predicting = Predicting(bundle.conversion, now_ms)
    measure = Measure(
        bundle_sha256=writer.bundle_sha256,
        predict=predicting.predict,
        active=setup.active,
        usual=setup.creativity,
    )
    held_to = CatalogueStandards(standards, measure, pool, states, now_ms)
    worker = GenerateWorker(
        setup, pool, states, writer, held_to, process.metrics, now_ms, reject_brake(settings), predicting
    )
    loop = Loop(
        options,
        LoopOptions(
            role=ROLE,
            member=member,
            group=group_of(settings, ROLE),
            topic=setup.topics.requests,
            batch_ms=BATCH_MS,
            batch_records=part.batch,
        ),
        worker,
        process.metrics,
        now_ms,
        process.beat,
    )
    try:
        loop.run(process.stop)
    finally:
        broadcast.close()
