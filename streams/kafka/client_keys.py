"""librdkafka keys that need care when a user's settings pass them on."""

_OWN = "Patter has a setting of its own for it"
_ONCE = "delivery rests on it"
_ORDER = "the order of a shopper's events rests on it"
_TOPICS = "topics come from the catalogue only"

# Key (with its aliases) -> why it may not be set. Everything else is passed on as it is.
PROTECTED: dict[str, str] = {
    "bootstrap.servers": "it is kafka.bootstrap",
    "metadata.broker.list": "it is kafka.bootstrap",
    "client.id": _OWN,
    "group.id": _OWN,
    "group.instance.id": "it is the worker's --member",
    "group.protocol": _ONCE,
    "group.remote.assignor": _ONCE,
    "partition.assignment.strategy": _ONCE,
    "enable.auto.commit": _ONCE,
    "auto.commit.enable": _ONCE,
    "enable.auto.offset.store": _ONCE,
    "auto.offset.reset": _ONCE,
    "isolation.level": _ONCE,
    "enable.partition.eof": _ONCE,
    "transactional.id": _ONCE,
    "transaction.timeout.ms": _ONCE,
    "enable.idempotence": _ONCE,
    "acks": _ONCE,
    "request.required.acks": _ONCE,
    "message.send.max.retries": _ONCE,
    "retries": _ONCE,
    "delivery.report.only.error": _ONCE,
    "message.max.bytes": "dead letters keep their bytes because of it",
    "partitioner": _ORDER,
    "queuing.strategy": _ORDER,
    "max.in.flight": _ORDER,
    "max.in.flight.requests.per.connection": _ORDER,
    "allow.auto.create.topics": _TOPICS,
    "topic.blacklist": _TOPICS,
    "test.mock.num.brokers": "it would put an empty cluster in the place of yours",
    "test.mock.broker.rtt": "it would put an empty cluster in the place of yours",
}

# librdkafka warns, at every start, of a key that is not for the kind of client at hand.
CONSUMER_ONLY = frozenset(
    {
        "auto.commit.interval.ms",
        "check.crcs",
        "client.rack",
        "coordinator.query.interval.ms",
        "fetch.error.backoff.ms",
        "fetch.max.bytes",
        "fetch.message.max.bytes",
        "fetch.min.bytes",
        "fetch.queue.backoff.ms",
        "fetch.wait.max.ms",
        "group.protocol.type",
        "heartbeat.interval.ms",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "queued.max.messages.kbytes",
        "queued.min.messages",
        "session.timeout.ms",
    }
)
PRODUCER_ONLY = frozenset(
    {
        "batch.num.messages",
        "batch.size",
        "compression.codec",
        "compression.level",
        "compression.type",
        "delivery.timeout.ms",
        "linger.ms",
        "message.timeout.ms",
        "queue.buffering.backpressure.threshold",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "queue.buffering.max.ms",
        "request.timeout.ms",
        "sticky.partitioning.linger.ms",
    }
)
