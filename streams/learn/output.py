"""Where policies are published, by learn and by a person alike, and what else the policy writer has to say."""

import contextlib
from collections.abc import Sequence

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.errors import Code, LackingError
from schemas.policies import PolicySnapshot
from streams.kafka.config import KafkaOptions, producer_config, transactional_config

KEY = b"policy"
TIMEOUT_S = 30.0


class PolicyOutput:
    """Where snapshots go: the policy topic and its log, together where the broker can do that."""

    def __init__(self, options: KafkaOptions, policy: str, policy_log: str, tenant: str) -> None:
        self._policy, self._log = policy, policy_log
        self._transactional = options.delivery == "exactly_once"
        self._failed: KafkaError | None = None
        if self._transactional:
            self._producer = Producer(transactional_config(options, f"patter-policy-{tenant}"))
            self._producer.init_transactions(TIMEOUT_S)
        else:
            self._producer = Producer(producer_config(options))

    def publish(self, snapshot: PolicySnapshot) -> None:
        """Raises KafkaException (fenced by another writer, or the broker is away), LackingError."""
        value = msgspec.json.encode(snapshot)
        self.put([(self._policy, KEY, value), (self._log, str(snapshot.version).encode(), value)])

    def put(self, records: Sequence[tuple[str, bytes, bytes]]) -> None:
        """Send records (topic, key, value), all or none where the broker can do that. Raises as `publish` does."""
        if self._transactional:
            self._producer.begin_transaction()
        self._failed = None
        for topic, key, value in records:
            self._producer.produce(topic, value=value, key=key, on_delivery=self._delivered)
        if self._transactional:
            self._producer.commit_transaction(TIMEOUT_S)
        elif self._producer.flush(TIMEOUT_S) or self._failed:
            raise LackingError(
                Code.BROKER_FAILED, "records were not acknowledged", where=f"{records[0][0]}: {self._failed}"
            )

    def close(self) -> None:
        """Roll back what is open, so that nobody waits for it."""
        with contextlib.suppress(KafkaException):
            self._producer.flush(1.0)
            if self._transactional:
                self._producer.abort_transaction(1.0)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed = error
