"""One real Kafka for the whole test session, and topics of its own for every test."""

import os
import shutil
import uuid
from collections.abc import Iterator

import hypothesis
import msgspec
import pytest

from schemas.topics import CATALOGUE

# By default hypothesis fails an example that takes 200 ms: wall clock, which another process may need.
hypothesis.settings.register_profile("patter", deadline=None)
hypothesis.settings.load_profile("patter")


def lacking(reason: str) -> None:
    """Skip for want of something; with CI=true the want itself is the failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka_jars() -> None:
    """Java, and Kafka's jars in .kafka/lib (fetched by Maven where they are missing)."""
    from schemas.errors import LackingError
    from streams.brokers import jars

    try:
        jars.find_java()
        jars.fetch()
    except LackingError as error:
        lacking(error.line())


@pytest.fixture(scope="session")
def local_broker(kafka_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of a real one-node Kafka that lives as long as the session."""
    from streams.brokers import local

    data = tmp_path_factory.mktemp("kafka")
    yield local.start(data, 0).bootstrap
    local.stop(data)
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def fresh_topics(local_broker: str) -> dict[str, str]:
    """The catalogue's topics under names that no other test uses: {logical: name}."""
    from streams.kafka.admin import apply
    from streams.kafka.config import KafkaOptions

    prefix = f"t{uuid.uuid4().hex[:10]}."
    # Events of tests are of long ago, and a broker looks every five minutes for what retention has ended.
    topics = [msgspec.structs.replace(topic, name=prefix + topic.name, retention_ms=-1) for topic in CATALOGUE]
    apply(KafkaOptions(bootstrap=local_broker, client_id="tests"), topics)
    return {topic.logical: topic.name for topic in topics}
