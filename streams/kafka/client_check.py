"""Whether librdkafka takes the keys that a user passes on. Nothing is connected to."""

from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer

from schemas.errors import Code, ConfigError
from streams.kafka.config import KafkaOptions, consumer_config, transactional_config


def check_client(options: KafkaOptions) -> None:
    """Raises ConfigError (settings_invalid) that names the field: unknown key, wrong value, file that is not there."""
    for kind, config in (
        (Producer, transactional_config(options, "check")),
        (Consumer, consumer_config(options, "check", "check")),
    ):
        # Without an address the client is made, and its settings judged, but it calls nobody.
        config.pop("bootstrap.servers")
        try:
            # What librdkafka logs about it is in the exception, too.
            client: Any = kind({**config, "log_level": 0})
        except (KafkaException, TypeError, ValueError) as error:
            raise refused(options.client, error) from error
        if kind is Consumer:
            client.close()


def refused(client: Mapping[str, str], error: Exception) -> ConfigError:
    """librdkafka's refusal of a configuration as an error that names the user's field, where it can be told."""
    reason = error.args[0].str() if isinstance(error, KafkaException) else str(error)
    # A key that is part of another's name stands in the message, too: the longest is meant.
    named = sorted((key for key in client if key in reason), key=len)
    only = list(client) if len(client) == 1 else []
    where = ".".join(("kafka", "client", *(named[-1:] or only)))
    return ConfigError(Code.SETTINGS_INVALID, reason, where=where, hint="keys are librdkafka's")
