"""The policy writer's hand: publishes a snapshot, fenced, with the next version."""

import getpass
import os
from collections.abc import Callable

import msgspec
from confluent_kafka import KafkaException

from inference.decide.acts import Act, killed, set_to
from inference.decide.policy import fixed_prior
from patter.settings import Settings
from patter.wiring.experiment import experiment_of
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.process import now_ms
from schemas.errors import CheckFailed, Code, ConfigError, LackingError
from schemas.policies import PolicySnapshot
from streams.kafka.dump import read_topic
from streams.learn.output import PolicyOutput

Make = Callable[[PolicySnapshot | None, int], PolicySnapshot]
"""(the newest version, the time in ms) -> the next version."""

# Where a broker has no transactions learn may publish the same version at the same moment, at most once a second.
_TRIES = 5


def newest_policy(settings: Settings) -> PolicySnapshot | None:
    """The snapshot with the highest version on the policy topic; of two with one version the first, as serve has it."""
    topic = topics_of(settings)["policy"].name
    decoder = msgspec.json.Decoder(PolicySnapshot)
    snapshots = [
        decoder.decode(record.value)
        for record in read_topic(kafka_options(settings), topic, "read_committed")
        if record.value
    ]
    return max(snapshots, key=lambda each: each.version, default=None)


def who() -> str:
    """Who is at the keyboard, for the audit; `uid N` where the machine has no name for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def publish_policy(settings: Settings, make: Make) -> PolicySnapshot:
    """Publish `make(newest version, time in ms)` to the policy topic and its log.

    On a broker with transactions the writer is fenced by its transactional id: of two writers at once, the one that
    began first fails instead of publishing an older version over a newer one. Without them the topic is read again, and
    what came second is published once more with a later version. Raises what `make` raises, LackingError (broker),
    CheckFailed (pending) where others kept coming first.
    """
    topics, options = topics_of(settings), kafka_options(settings, "patter-policy")
    try:
        output = PolicyOutput(options, topics["policy"].name, topics["policy_log"].name, settings.tenant)
        try:
            for _ in range(_TRIES):
                snapshot = make(newest_policy(settings), now_ms())
                output.publish(snapshot)
                if options.delivery == "exactly_once" or _holds(settings, snapshot):
                    return snapshot
        finally:
            output.close()
    except KafkaException as error:
        raise LackingError(Code.BROKER_FAILED, "the policy could not be published", where=str(error.args[0])) from error
    what = "others published the same version at the same time, and came first"
    raise CheckFailed(Code.PENDING, what, where=f"version {snapshot.version}", hint="once more")


def publish_prior(settings: Settings, by: str, why: str, *, kill: bool = False) -> PolicySnapshot:
    """Publish a fixed prior over the experiment's arms; with `kill` nothing is shown. Raises LackingError."""
    return publish_policy(settings, lambda newest, at_ms: _prior(settings, newest, Act(by, why, at_ms), kill=kill))


def publish_kill(settings: Settings, by: str, why: str) -> PolicySnapshot:
    """Stop all copy, and keep what is believed. Raises LackingError."""

    def make(newest: PolicySnapshot | None, at_ms: int) -> PolicySnapshot:
        act = Act(by, why, at_ms)
        return killed(newest, act) if newest is not None else _prior(settings, None, act, kill=True)

    return publish_policy(settings, make)


def publish_act(settings: Settings, make: Callable[[PolicySnapshot, int], PolicySnapshot]) -> PolicySnapshot:
    """Publish what `make` makes of the newest version. Raises ConfigError (usage) where there is none, LackingError."""

    def make_of(newest: PolicySnapshot | None, at_ms: int) -> PolicySnapshot:
        if newest is None:
            raise ConfigError(Code.USAGE, "no policy has been published", hint="patter policy set")
        return make(newest, at_ms)

    return publish_policy(settings, make_of)


def _prior(settings: Settings, newest: PolicySnapshot | None, act: Act, *, kill: bool) -> PolicySnapshot:
    experiment = experiment_of(settings)
    prior = fixed_prior(
        version=newest.version + 1 if newest else 1,
        experiment=experiment.name,
        arms=experiment.arms,
        epsilon=settings.policy.epsilon,
        draws=settings.policy.draws,
        created_ms=act.at_ms,
        by=act.by,
        why=act.why,
    )
    return set_to(newest, prior, kill=kill)


def _holds(settings: Settings, snapshot: PolicySnapshot) -> bool:
    """Whether the first record of this version is this one: readers keep the first."""
    topic = topics_of(settings)["policy"].name
    decoder = msgspec.json.Decoder(PolicySnapshot)
    for record in read_topic(kafka_options(settings), topic, "read_committed"):
        if record.value and (found := decoder.decode(record.value)).version == snapshot.version:
            return found == snapshot
    return False
