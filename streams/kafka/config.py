"""librdkafka settings of every client that Patter opens: only keys that differ from the defaults, each with its reason.

Kept at their defaults on purpose: `linger.ms` (5: a flush or commit cuts it short, so a longer one would only delay
single records), `batch.size` (1,000,000: below every topic's own limit), `statistics.interval.ms` (0: off).
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from schemas.errors import Code, ConfigError
from schemas.topics import MIB
from streams.kafka.client_keys import CONSUMER_ONLY, PRODUCER_ONLY, PROTECTED

ClientConfig = dict[str, str | int | bool]
Isolation = Literal["read_committed", "read_uncommitted"]
Delivery = Literal["exactly_once", "at_least_once"]

# An open transaction of a dead worker holds up every read_committed reader for this long.
TRANSACTION_TIMEOUT_MS = 10_000
# Longer than the transaction's, so that the next owner of a partition never meets its predecessor's open transaction;
# far shorter than the default of 45 s, for which the partitions of a machine that is gone would lie idle.
# A worker that is merely restarted is a static member and has its partitions back at once.
SESSION_TIMEOUT_MS = 15_000
# The largest record there is, a dead letter (its topic takes 5 MiB), with room for its headers and framing.
MAX_REQUEST_BYTES = 5 * MIB + 64 * 1024


class KafkaOptions(Struct, frozen=True, kw_only=True):
    """Where Kafka is and how it is spoken to. `client` holds librdkafka keys as the user wrote them (SASL, TLS)."""

    bootstrap: str
    client: dict[str, str] = {}
    delivery: Delivery = "exactly_once"
    client_id: str = "patter"


def check_client_keys(client: Mapping[str, str]) -> None:
    """Raises ConfigError (settings_invalid) where a key would break what Patter promises; the field is named."""
    for key in client:
        reason = PROTECTED.get(key)
        if reason is not None:
            raise ConfigError(
                Code.SETTINGS_INVALID, f"{key} may not be set: {reason}", where=f"kafka.client.{key}", hint="remove it"
            )


def admin_config(options: KafkaOptions) -> ClientConfig:
    """For topics and metadata."""
    return _common(options, drop=CONSUMER_ONLY | PRODUCER_ONLY)


def consumer_config(
    options: KafkaOptions, group: str, instance_id: str, *, isolation: Isolation = "read_committed"
) -> ClientConfig:
    """For a member of a group whose batches and offsets go together. `instance_id` is stable over restarts."""
    return {
        # A restarted worker is the same member, so nothing is rebalanced and nothing waits.
        "group.instance.id": instance_id,
        "session.timeout.ms": SESSION_TIMEOUT_MS,
        # A group reads one topic, which `range` cuts into even runs by member; it revokes everything before it assigns
        # anew, and only then are no partitions held by two members while a batch is rolled back.
        "partition.assignment.strategy": "range",
        **_reader(options, isolation),
        "group.id": group,
    }


def plain_consumer_config(options: KafkaOptions, *, isolation: Isolation = "read_committed") -> ClientConfig:
    """For readers that assign partitions to themselves and commit nothing: broadcast states, tools."""
    return {
        # The end of a partition cannot be told by counting: offsets of compacted and transactional topics have holes.
        "enable.partition.eof": True,
        **_reader(options, isolation),
        # librdkafka asks every consumer for a group; this one is never joined.
        "group.id": f"{options.client_id}-reader",
    }


def producer_config(options: KafkaOptions) -> ClientConfig:
    """For at-least-once delivery and tools. Idempotent: the client's own retries neither double nor reorder."""
    return {
        # A few percent of a core buy a third of the bytes; the one codec that every client here reads.
        "compression.type": "lz4",
        **_common(options, drop=CONSUMER_ONLY),
        "enable.idempotence": True,
        # With fewer, a record that was acknowledged can still be lost with its leader.
        "acks": "all",
        # What Kafka's Java clients and aiokafka compute, and librdkafka's default does not: a key has one partition.
        "partitioner": "murmur2_random",
        "message.max.bytes": MAX_REQUEST_BYTES,
    }


def transactional_config(options: KafkaOptions, transactional_id: str) -> ClientConfig:
    """For exactly-once delivery. `transactional_id` is stable per member: whoever takes it fences its predecessor."""
    return {
        **producer_config(options),
        "transactional.id": transactional_id,
        # A record that cannot be sent fails its transaction; a report for each one that was sent says nothing new.
        "delivery.report.only.error": True,
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
    }


def _reader(options: KafkaOptions, isolation: Isolation) -> ClientConfig:
    return {
        # The default of 1000 stops fetching for a second whenever the local queue is full: half the rate in catch-up.
        "fetch.queue.backoff.ms": 2,
        # Ten batches ahead are plenty; the default of 100,000 is what a rollback or rebalance throws away.
        "queued.min.messages": 20_000,
        **_common(options, drop=PRODUCER_ONLY),
        # Offsets are committed with the records that follow from them, never by a timer.
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # A group that has committed nothing begins with the first record, or a new shop would lose its first events.
        "auto.offset.reset": "earliest",
        "isolation.level": isolation,
    }


def _common(options: KafkaOptions, drop: frozenset[str]) -> ClientConfig:
    """The user's keys without those that this kind of client would warn about."""
    check_client_keys(options.client)
    return {
        # A broker that was restarted is back within seconds; the default lets clients stay away for ten.
        "reconnect.backoff.max.ms": 2_000,
        **{key: value for key, value in options.client.items() if key not in drop},
        "bootstrap.servers": options.bootstrap,
        "client.id": options.client_id,
        # A topic that springs up by itself has the wrong number of partitions. Producers ask for that by default.
        "allow.auto.create.topics": False,
    }
