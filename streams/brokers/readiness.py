"""Whether a broker is ready for work, which is later than when its port opens."""

import time

from confluent_kafka import KafkaException, Producer

ATTEMPT_S = 5.0


def takes_transactions(bootstrap: str, timeout_s: float) -> bool:
    """Whether a transactional producer can be initialised within `timeout_s`.

    A fresh broker lets clients wait for its transaction coordinator ("coordinator load in progress") for a while
    after it has begun to answer; who starts work before that meets errors.
    """
    deadline = time.monotonic() + timeout_s
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": "patter-readiness",
            "transaction.timeout.ms": 10_000,
            "client.id": "patter-readiness",
            # Connections that are refused while the broker starts are expected, and not worth a line each.
            "log_level": 0,
        }
    )
    while time.monotonic() < deadline:
        try:
            producer.init_transactions(min(ATTEMPT_S, max(0.1, deadline - time.monotonic())))
        except KafkaException as error:
            if not error.args[0].retriable():
                return False
        else:
            return True
    return False
