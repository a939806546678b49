"""How a batch becomes durable: in one transaction, or by flush before commit."""

import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from schemas.errors import Code, LackingError, PatterError
from streams.kafka.config import KafkaOptions, producer_config, transactional_config
from streams.kafka.records import Batch
from streams.kafka.sending import WAIT_S, send

log = structlog.get_logger("patter.streams.delivery")

# A first transactional producer of a new broker waits for the coordinator to load; longer than this is an outage.
INIT_TIMEOUT_S = 30.0
FLUSH_TIMEOUT_S = 30.0


class Aborted(Exception):
    """The batch was rolled back and must be read again."""


class Delivery(Protocol):
    """Makes a batch's answers and its input offsets durable together."""

    def deliver(self, batch: Batch, offsets: Mapping[int, int]) -> None:
        """Publish, and commit `offsets` (partition -> next offset to read).

        Raises Aborted where nothing of it counts, PatterError where this producer can do no more.
        """
        ...

    def close(self) -> None: ...


def open_delivery(options: KafkaOptions, member: str, consumer: Consumer, topic: str) -> Delivery:
    """The delivery that the options ask for. `member` names the transactional id and must be stable over restarts."""
    if options.delivery == "exactly_once":
        return Transactions(options, member, consumer, topic)
    return FlushThenCommit(options, consumer, topic)


def _produce(producer: Producer, batch: Batch, on_delivery: object = None) -> None:
    def wait() -> None:
        # The local queue is full: serve delivery reports until there is room again.
        producer.poll(WAIT_S)

    if batch.bulk is not None:
        # Without a report of its own, the client's function is called as it is.
        put = producer.produce if on_delivery is None else partial(producer.produce, on_delivery=on_delivery)
        batch.bulk(put, wait)
    for out in batch.outs:
        more = {"on_delivery": on_delivery, "timestamp": out.timestamp_ms, "partition": out.partition}
        headers = list(out.headers) if out.headers else None
        send(producer, out.topic, out.value, out.key, headers=headers, **more)


class Transactions:
    """Exactly once, Kafka to Kafka: produces and offsets in one transaction, with group metadata (KIP-447)."""

    def __init__(self, options: KafkaOptions, member: str, consumer: Consumer, topic: str) -> None:
        self._consumer, self._topic = consumer, topic
        self._producer = Producer(transactional_config(options, member))
        try:
            self._producer.init_transactions(INIT_TIMEOUT_S)
        except KafkaException as error:
            raise _gone(error, "the transactional producer does not start") from error

    def deliver(self, batch: Batch, offsets: Mapping[int, int]) -> None:
        try:
            self._producer.begin_transaction()
            _produce(self._producer, batch)
            self._retried(
                lambda: self._producer.send_offsets_to_transaction(
                    [TopicPartition(self._topic, partition, offset) for partition, offset in offsets.items()],
                    self._consumer.consumer_group_metadata(),
                    FLUSH_TIMEOUT_S,
                )
            )
            self._retried(lambda: self._producer.commit_transaction(FLUSH_TIMEOUT_S))
        except KafkaException as error:
            self._abort(error)
            raise Aborted from error
        except Exception:
            # The answers could not be made. An open transaction would hold up every reader until it times out.
            with contextlib.suppress(KafkaException):
                self._roll_back()
            raise

    def _retried(self, call: "Call") -> None:
        """Retriable means that nothing was decided: the same call again. Anything else is the caller's to judge."""
        for attempt in range(5):
            try:
                call()
            except KafkaException as error:
                if not error.args[0].retriable() or attempt == 4:
                    raise
                log.warning("transaction call retried", error=str(error.args[0]))
            else:
                return

    def _abort(self, error: KafkaException) -> None:
        reason = error.args[0]
        log.warning("transaction aborted", error=str(reason), fatal=reason.fatal())
        if reason.fatal():
            raise _gone(error, "the transactional producer was fenced or failed for good") from error
        try:
            self._roll_back()
        except KafkaException as second:
            raise _gone(second, "the transaction could not be aborted") from second

    def _roll_back(self) -> None:
        # Aborting while records are still unsent can end in a fatal INVALID_TXN_STATE: send them first.
        self._producer.flush(FLUSH_TIMEOUT_S)
        self._producer.abort_transaction(FLUSH_TIMEOUT_S)

    def close(self) -> None:
        with contextlib.suppress(KafkaException):
            self._producer.flush(5.0)


class FlushThenCommit:
    """At least once: everything is acknowledged before the offsets are committed. For brokers without transactions."""

    def __init__(self, options: KafkaOptions, consumer: Consumer, topic: str) -> None:
        self._consumer, self._topic = consumer, topic
        self._producer = Producer(producer_config(options))
        self._failed: KafkaError | None = None

    def deliver(self, batch: Batch, offsets: Mapping[int, int]) -> None:
        self._failed = None
        _produce(self._producer, batch, self._delivered)
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if left or self._failed:
            log.warning("flush failed", left=left, error=str(self._failed))
            self._producer.purge()
            self._producer.flush(1.0)
            raise Aborted
        try:
            self._consumer.commit(
                offsets=[TopicPartition(self._topic, partition, offset) for partition, offset in offsets.items()],
                asynchronous=False,
            )
        except KafkaException as error:
            # What was published may be published again under the same decision id; readers count it once.
            log.warning("commit failed", error=str(error.args[0]))
            raise Aborted from error

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed = error

    def close(self) -> None:
        self._producer.flush(5.0)


def _gone(error: KafkaException, what: str) -> PatterError:
    reason = error.args[0]
    if reason.code() in (KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID, KafkaError.INVALID_PRODUCER_EPOCH):
        return LackingError(Code.FENCED, what, where=str(reason), hint="another worker has this member's name")
    return LackingError(Code.BROKER_FAILED, what, where=str(reason), hint="the supervisor starts a new producer")


class Call(Protocol):
    """A call without arguments."""

    def __call__(self) -> object: ...
