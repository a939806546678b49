"""The policy writer's hand: publishes a snapshot, fenced, with the next version."""

from collections.abc import Callable

import msgspec
from confluent_kafka import KafkaException

from inference.decide.policy import fixed_prior
from patter.settings import Settings
from patter.wiring.experiment import experiment_of
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.process import now_ms
from schemas.errors import Code, LackingError
from schemas.policies import PolicySnapshot
from streams.kafka.dump import read_topic
from streams.learn.output import PolicyOutput


def newest_policy(settings: Settings) -> PolicySnapshot | None:
    """The snapshot with the highest version on the policy topic."""
    topic = topics_of(settings)["policy"].name
    decoder = msgspec.json.Decoder(PolicySnapshot)
    snapshots = [
        decoder.decode(record.value)
        for record in read_topic(kafka_options(settings), topic, "read_committed")
        if record.value
    ]
    return max(snapshots, key=lambda each: each.version, default=None)


def publish_policy(settings: Settings, make: Callable[[int, int], PolicySnapshot]) -> PolicySnapshot:
    """Publish `make(next version, time in ms)` to the policy topic and its log.

    On a broker with transactions the writer is fenced by its transactional id: of two writers at once, the one that
    began first fails instead of publishing an older version over a newer one. Raises LackingError.
    """
    topics = topics_of(settings)
    try:
        output = PolicyOutput(
            kafka_options(settings, "patter-policy"), topics["policy"].name, topics["policy_log"].name, settings.tenant
        )
        try:
            newest = newest_policy(settings)
            snapshot = make(newest.version + 1 if newest else 1, now_ms())
            if newest is not None:
                # Whoever sets what is believed about arms says nothing about texts.
                kept = {"conversion": newest.conversion, "conversion_version": newest.conversion_version}
                snapshot = msgspec.structs.replace(snapshot, **kept)
            output.publish(snapshot)
        finally:
            output.close()
    except KafkaException as error:
        raise LackingError(Code.BROKER_FAILED, "the policy could not be published", where=str(error.args[0])) from error
    return snapshot


def publish_prior(settings: Settings, by: str, why: str, *, kill: bool = False) -> PolicySnapshot:
    """Publish a fixed prior over the experiment's arms; with `kill` nothing is shown. Raises LackingError."""
    experiment = experiment_of(settings)

    def make(version: int, created_ms: int) -> PolicySnapshot:
        prior = fixed_prior(
            version=version,
            experiment=experiment.name,
            arms=experiment.arms,
            epsilon=settings.policy.epsilon,
            draws=settings.policy.draws,
            created_ms=created_ms,
            by=by,
            why=why,
        )
        return msgspec.structs.replace(prior, kill=kill)

    return publish_policy(settings, make)
