"""What differs between the catalogue and a cluster."""

import msgspec
import pytest

from schemas.errors import Code, ConfigError
from schemas.topics import BY_LOGICAL, CATALOGUE
from streams.kafka.topic_changes import Existing, changes

POLICY = BY_LOGICAL["policy"]


def test_an_empty_cluster_needs_every_topic_with_its_configuration() -> None:
    found = changes(CATALOGUE, {})
    assert [change.topic for change in found] == [topic.name for topic in CATALOGUE]
    assert all(change.kind == "create" for change in found)
    assert {change.topic: change.after for change in found}[POLICY.name] == POLICY.config()


def test_a_cluster_as_wanted_needs_nothing() -> None:
    existing = {topic.name: Existing(topic.partitions, {**topic.config(), "segment.ms": "1"}) for topic in CATALOGUE}
    assert changes(CATALOGUE, existing) == []


def test_only_keys_that_differ_are_set() -> None:
    config = {**POLICY.config(), "cleanup.policy": "delete"}
    (change,) = changes([POLICY], {POLICY.name: Existing(POLICY.partitions, config)})
    assert change.kind == "configure"
    assert (change.before, change.after) == ({"cleanup.policy": "delete"}, {"cleanup.policy": "compact"})
    assert change.line() == f"configure {POLICY.name}: cleanup.policy=delete -> cleanup.policy=compact"


def test_a_broker_that_tells_no_configuration_has_none_to_change() -> None:
    assert changes([POLICY], {POLICY.name: Existing(POLICY.partitions)}) == []


@pytest.mark.parametrize("there", [1, 5])
def test_another_partition_count_is_refused(there: int) -> None:
    wide = msgspec.structs.replace(POLICY, partitions=4)
    with pytest.raises(ConfigError) as raised:
        changes([wide], {POLICY.name: Existing(there, wide.config())})
    assert raised.value.code is Code.TOPIC_MISMATCH
    assert f"{there} partitions, 4" in raised.value.what
