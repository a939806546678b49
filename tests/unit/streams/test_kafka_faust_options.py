"""A user's librdkafka keys as Faust's credentials."""

import ssl
from pathlib import Path

import faust
import pytest

from schemas.errors import Code, ConfigError
from streams.kafka.config import KafkaOptions
from streams.kafka.faust_options import faust_options

# A self-signed certificate without its key, made for this test; it expires in a hundred years.
AUTHORITY = """-----BEGIN CERTIFICATE-----
MIIBlzCCAT2gAwIBAgIUTQBHKTtvm8M0C9RKTVS5GZ6c148wCgYIKoZIzj0EAwIw
IDEeMBwGA1UEAwwVcGF0dGVyIHRlc3QgYXV0aG9yaXR5MCAXDTI2MTEyMTA4MDYx
N1oYDzIxMjYxMDI4MDgwNjE3WjAgMR4wHAYDVQQDDBVwYXR0ZXIgdGVzdCBhdXRo
b3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASCVg3iOavlczYmLC7QiJ4T
yyJYpHn9K1oIweCSnV1kYBECYOFsk8YfNazoB4EyVlXKtn1vGYQHbmRn/gVR8Z3t
o1MwUTAdBgNVHQ4EFgQUqs/+15SrM1ypabNaAMVdQNRASQQwHwYDVR0jBBgwFoAU
qs/+15SrM1ypabNaAMVdQNRASQQwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD
AgNIADBFAiEAygu0VzK/aT5LdfRKHf3p38eob2UAL5JrliZvWBwac7UCIErCGNFe
TJuMxka+WJGcJnT9klFEgiEfowUyoV6/Zs5/
-----END CERTIFICATE-----
"""


def kwargs(**client: str) -> dict[str, object]:
    given = {key.replace("__", ".").replace("_", "."): value for key, value in client.items()}
    return faust_options(KafkaOptions(bootstrap="a:1, b:2", client=given, client_id="learn"))


@pytest.fixture
def authority(tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    path.write_text(AUTHORITY)
    return str(path)


def test_without_keys_there_are_only_brokers() -> None:
    told = kwargs()
    assert told == {"broker": ["kafka://a:1", "kafka://b:2"], "broker_client_id": "learn"}
    app = faust.App("learn", **told)
    assert [str(url) for url in app.conf.broker] == ["kafka://a:1", "kafka://b:2"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("spelling", ["sasl_mechanism", "sasl_mechanisms"])
def test_sasl_over_tls(mechanism: str, spelling: str, authority: str) -> None:
    told = kwargs(
        security_protocol="SASL_SSL",
        sasl_username="shop",
        sasl_password="secret",
        ssl_ca_location=authority,
        **{spelling: mechanism},
    )
    credentials = told["broker_credentials"]
    assert isinstance(credentials, faust.SASLCredentials)
    assert credentials.protocol.value == "SASL_SSL"
    assert credentials.mechanism.value == mechanism
    assert (credentials.username, credentials.password) == ("shop", "secret")
    context = credentials.ssl_context
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert [dict(part[0] for part in each["subject"])["commonName"] for each in context.get_ca_certs()] == [
        "patter test authority"
    ]


def test_sasl_without_tls() -> None:
    credentials = kwargs(
        security_protocol="sasl_plaintext", sasl_mechanism="PLAIN", sasl_username="u", sasl_password="p"
    )["broker_credentials"]
    assert isinstance(credentials, faust.SASLCredentials)
    assert credentials.protocol.value == "SASL_PLAINTEXT"
    assert credentials.ssl_context is None


def test_tls_alone_by_text_and_without_a_hostname_check() -> None:
    credentials = kwargs(security_protocol="ssl", ssl_ca_pem=AUTHORITY, ssl_endpoint_identification_algorithm="none")[
        "broker_credentials"
    ]
    assert isinstance(credentials, faust.SSLCredentials)
    assert credentials.context.verify_mode is ssl.CERT_REQUIRED
    assert not credentials.context.check_hostname
    assert len(credentials.context.get_ca_certs()) == 1


def test_verification_can_be_turned_off() -> None:
    credentials = kwargs(security_protocol="ssl", enable_ssl_certificate_verification="false")["broker_credentials"]
    assert isinstance(credentials, faust.SSLCredentials)
    assert credentials.context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("client", "field"),
    [
        ({"security_protocol": "tls"}, "security.protocol"),
        ({"security_protocol": "sasl_ssl"}, "sasl.mechanisms"),
        ({"security_protocol": "sasl_ssl", "sasl_mechanism": "OAUTHBEARER"}, "sasl.mechanism"),
        ({"security_protocol": "sasl_ssl", "sasl_mechanism": "PLAIN"}, "sasl.username"),
        ({"security_protocol": "sasl_ssl", "sasl_mechanism": "PLAIN", "sasl_username": "u"}, "sasl.password"),
        ({"security_protocol": "ssl", "ssl_ca_location": "/no/such/file"}, "ssl.ca.location"),
        ({"security_protocol": "ssl", "ssl_certificate_location": "/no/such/file"}, "ssl.certificate.location"),
        ({"security_protocol": "ssl", "ssl_keystore_location": "a.p12"}, "ssl.keystore.location"),
        ({"security_protocol": "ssl", "ssl_ca_pem": "no certificate"}, "ssl.ca.pem"),
        ({"acks": "1"}, "acks"),
    ],
)
def test_what_faust_cannot_do_is_refused_by_its_field(client: dict[str, str], field: str) -> None:
    with pytest.raises(ConfigError) as raised:
        kwargs(**client)
    assert (raised.value.code, raised.value.where) == (Code.SETTINGS_INVALID, f"kafka.client.{field}")
