"""The same Kafka settings for Faust, which speaks through aiokafka and takes credentials as objects, not keys."""

import ssl
from pathlib import Path
from typing import Any

from schemas.errors import Code, ConfigError
from streams.kafka.config import KafkaOptions, check_client_keys

_MECHANISMS = frozenset({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"})
# librdkafka keys that change who is talked to and how it is trusted, and for which aiokafka has no counterpart.
_UNSUPPORTED = {
    "ssl.keystore.location": "ssl.certificate.location and ssl.key.location",
    "ssl.certificate.pem": "ssl.certificate.location",
    "ssl.key.pem": "ssl.key.location",
    "ssl.engine.location": "a key in a file",
}


def faust_options(options: KafkaOptions) -> dict[str, Any]:
    """Keyword arguments for `faust.App`: broker, client id and, where `client` has them, credentials.

    Timeouts and buffer sizes are librdkafka's own and have no counterpart. Raises ConfigError (settings_invalid) with
    the field, where Faust cannot do what a key asks for, rather than connect in another way than the other roles.
    """
    import faust

    client = options.client
    check_client_keys(client)
    kwargs: dict[str, Any] = {
        "broker": [f"kafka://{address.strip()}" for address in options.bootstrap.split(",") if address.strip()],
        "broker_client_id": options.client_id,
    }
    protocol = client.get("security.protocol", "plaintext").lower()
    if protocol not in ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl"):
        raise _refused("security.protocol", f"no such protocol: {protocol}")
    context = ssl_context(client) if protocol.endswith("ssl") else None
    if protocol.startswith("sasl"):
        name = "sasl.mechanism" if "sasl.mechanism" in client else "sasl.mechanisms"
        mechanism = client.get(name, "GSSAPI")
        if mechanism not in _MECHANISMS:
            raise _refused(name, f"Faust cannot use {mechanism} here", hint=f"one of {', '.join(sorted(_MECHANISMS))}")
        for needed in ("sasl.username", "sasl.password"):
            if not client.get(needed):
                raise _refused(needed, f"{mechanism} needs it")
        kwargs["broker_credentials"] = faust.SASLCredentials(
            username=client["sasl.username"],
            password=client["sasl.password"],
            ssl_context=context,
            mechanism=mechanism,
        )
    elif context is not None:
        kwargs["broker_credentials"] = faust.SSLCredentials(context)
    return kwargs


def ssl_context(client: dict[str, str]) -> ssl.SSLContext:
    """librdkafka's `ssl.*` keys as Python's TLS settings. Raises ConfigError where a file does not load."""
    for key, instead in _UNSUPPORTED.items():
        if key in client:
            raise _refused(key, "Faust cannot use it", hint=f"use {instead}")
    try:
        context = _with_authorities(client)
    except (OSError, ssl.SSLError) as error:
        key = "ssl.ca.location" if "ssl.ca.location" in client else "ssl.ca.pem"
        raise _refused(key, f"the certificate authority does not load: {error}") from error
    if client.get("ssl.endpoint.identification.algorithm", "https") == "none":
        context.check_hostname = False
    if client.get("enable.ssl.certificate.verification", "true").lower() == "false":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = client.get("ssl.certificate.location")
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, client.get("ssl.key.location"), client.get("ssl.key.password"))
        except (OSError, ssl.SSLError) as error:
            raise _refused("ssl.certificate.location", f"the client's certificate does not load: {error}") from error
    return context


def _with_authorities(client: dict[str, str]) -> ssl.SSLContext:
    place = client.get("ssl.ca.location")
    # `probe` is librdkafka's word for the system's own authorities, which are Python's default.
    if place is None or place == "probe":
        return ssl.create_default_context(cadata=client.get("ssl.ca.pem"))
    if Path(place).is_dir():
        return ssl.create_default_context(capath=place)
    return ssl.create_default_context(cafile=place)


def _refused(key: str, what: str, hint: str = "") -> ConfigError:
    return ConfigError(Code.SETTINGS_INVALID, what, where=f"kafka.client.{key}", hint=hint)
