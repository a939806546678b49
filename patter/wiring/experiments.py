"""Experiments on their topic: every version there was, and the next one, with who asked for it, when and why."""

import getpass
from collections.abc import Callable

import msgspec
from confluent_kafka import KafkaException, Producer

from inference.experiment.assignment import overlap
from patter.settings import Settings
from patter.wiring.experiment import experiment_of
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.process import now_ms
from schemas.errors import CheckFailed, Code, ConfigError, LackingError
from schemas.experiments import ExperimentRecord
from streams.kafka.config import producer_config
from streams.kafka.dump import read_topic
from streams.kafka.sending import send

SEND_TIMEOUT_S = 15.0
Newest = dict[str, ExperimentRecord]
# (what is newest by name, time in ms, who) -> the version to publish
Change = Callable[[Newest, int, str], ExperimentRecord]


def history(settings: Settings) -> list[ExperimentRecord]:
    """Every version of every experiment, in the order of the topic."""
    decoder = msgspec.json.Decoder(ExperimentRecord)
    topic = topics_of(settings)["experiments"].name
    return [decoder.decode(record.value) for record in read_topic(kafka_options(settings), topic) if record.value]


def newest(records: list[ExperimentRecord]) -> Newest:
    """The version that holds, by name; of two records of one version the later."""
    found: Newest = {}
    for record in records:
        held = found.get(record.name)
        if held is None or record.version >= held.version:
            found[record.name] = record
    return found


def known(experiments: Newest, name: str) -> ExperimentRecord:
    """The experiment of that name. Raises ConfigError (usage)."""
    if name not in experiments:
        raise ConfigError(Code.USAGE, "no such experiment", where=name, hint="patter experiment list")
    return experiments[name]


def check_arms(settings: Settings, names: list[str]) -> None:
    """Arms that show copy are the settings' variants. Raises ConfigError (usage)."""
    arms = experiment_of(settings).arms
    for name in names:
        if name not in arms:
            raise ConfigError(Code.USAGE, f"there is no variant {name!r}", where="--arm", hint=", ".join(arms))


def change(settings: Settings, make: Change) -> ExperimentRecord:
    """Publish the version that `make` makes of what there is.

    Then the topic is read again: where somebody else has published the same version in the meantime, theirs may be
    the one that holds, and where two were started at once they may have the same shoppers; this says so. Raises what
    `make` raises, LackingError (broker), CheckFailed (pending).
    """
    made = make(newest(history(settings)), now_ms(), getpass.getuser())
    _publish(settings, made)
    now = newest(history(settings))
    if now.get(made.name) != made:
        what = "another change of the same experiment came at the same time"
        raise CheckFailed(Code.PENDING, what, where=made.key(), hint="patter experiment list, then once more")
    others = [other.name for other in now.values() if other != made and overlap(made, other)]
    if others:
        what = f"{', '.join(others)} was started at the same time with the same shoppers"
        raise CheckFailed(Code.PENDING, what, where=made.key(), hint="patter experiment stop one of them")
    return made


def _publish(settings: Settings, record: ExperimentRecord) -> None:
    topic = topics_of(settings)["experiments"].name
    producer = Producer(producer_config(kafka_options(settings, "patter-experiments")))
    failed: list[str] = []
    send(
        producer,
        topic,
        msgspec.json.encode(record),
        record.key().encode(),
        on_delivery=lambda error, _message: failed.append(str(error)) if error is not None else None,
    )
    try:
        left = producer.flush(SEND_TIMEOUT_S)
    except KafkaException as error:
        raise LackingError(Code.BROKER_FAILED, "the record was not taken", where=str(error.args[0])) from error
    if left or failed:
        raise LackingError(Code.BROKER_FAILED, "the record was not taken", where=failed[0] if failed else topic)
