"""learn as a process."""

from pathlib import Path

from features.store.writer import StoreWriter
from inference.bundle import load_bundle
from inference.decide.assign import CONTROL
from inference.decide.buckets import Ageing
from inference.decide.contextual import Styles
from inference.fatigue.retire import FatigueRules
from inference.text.conversion import Conversion
from patter.settings import Settings
from patter.wiring.bundle import bundle_path
from patter.wiring.experiment import experiment_of
from patter.wiring.features import feature_options
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.process import RoleProcess, now_ms
from schemas.cells import HOUR_MS, SECOND_MS
from streams.kafka.admin import check_partitions
from streams.learn.fatigue import FatigueSetup
from streams.learn.setup import ROLE, LearnSetup, LearnTopics
from streams.learn.worker import LearnWorker

USED = ("partials", "metrics", "codes", "policy", "policy_log", "copy", "retirements", "experiments")


def learn_setup(settings: Settings, member: str, conversion: Conversion | None = None) -> LearnSetup:
    """What learn's sums and policies depend on."""
    topics, experiment = topics_of(settings), experiment_of(settings)
    return LearnSetup(
        tenant=settings.tenant,
        member=member,
        faust_dir=Path(settings.data_dir) / "faust" / member,
        topics=LearnTopics(*(topics[name].name for name in USED)),
        experiment=experiment.name,
        arms=experiment.arms,
        reward=settings.learn.reward,
        shrinkage=settings.learn.shrinkage,
        sharpness=settings.learn.sharpness,
        every_s=settings.learn.every_s,
        epsilon=settings.policy.epsilon,
        draws=settings.policy.draws,
        ageing=Ageing(settings.learn.half_life_days or None, settings.learn.mature_hours or None),
        conversion=conversion,
        refit_every_s=settings.learn.refit_every_s,
        fatigue=fatigue_setup(settings),
        styles=styles_of(settings) if settings.learn.belief == "attributes" else None,
    )


def styles_of(settings: Settings) -> Styles:
    """The attributes of the experiment's arms: tone, call and length; the control is of its own kind."""
    control = {CONTROL: {CONTROL: 1.0}}
    return control | {
        each.name: {f"tone:{each.tone}": 1.0, f"cta:{each.cta}": 1.0, f"length:{each.length}": 1.0}
        for each in settings.variants
    }


def fatigue_setup(settings: Settings) -> FatigueSetup | None:
    """What is retired, and when; None where nothing is."""
    part = settings.fatigue
    if not part.enabled:
        return None
    rules = FatigueRules(
        alpha=part.alpha,
        drop=part.drop,
        spent=part.spent,
        looks=part.looks,
        a_day=part.a_day,
        entries_a_day=part.entries_a_day,
    )
    return FatigueSetup(rules=rules, settle_ms=int(part.settle_hours * HOUR_MS), every_ms=int(part.every_s * SECOND_MS))


def run_learn(settings: Settings, member: str, port: int | None) -> None:
    """Run until SIGTERM. Raises PatterError where it cannot start or go on."""
    process = RoleProcess(ROLE, member, settings, port)
    options = kafka_options(settings, f"patter-{member}")
    topics = topics_of(settings)
    check_partitions(options, {topics[name].name: topics[name].partitions for name in USED})
    setup = learn_setup(settings, member, load_bundle(bundle_path(settings)).conversion)
    # Faust makes its folder, but not those above it.
    setup.faust_dir.parent.mkdir(parents=True, exist_ok=True)
    LearnWorker(
        options,
        setup,
        process.metrics,
        now_ms,
        lambda: StoreWriter.open(feature_options(settings)),
        process.beat,
    ).run(process.stop)
