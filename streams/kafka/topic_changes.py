"""How a cluster's topics differ from the catalogue."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from schemas.errors import Code, ConfigError
from schemas.topics import Topic


class Existing(Struct, frozen=True):
    """A topic that is there. `config` is empty until it was asked for."""

    partitions: int
    config: dict[str, str] = {}


class Change(Struct, frozen=True, kw_only=True):
    """One topic that is not as wanted. `before` and `after`: the settings that differ, or all of a new topic's."""

    topic: str
    kind: Literal["create", "configure"]
    partitions: int
    before: dict[str, str] = {}
    after: dict[str, str] = {}

    def line(self) -> str:
        """For a person."""
        if self.kind == "create":
            return f"create {self.topic}: {self.partitions} partitions, " + _pairs(self.after)
        return f"configure {self.topic}: {_pairs(self.before)} -> {_pairs(self.after)}"


def changes(topics: Iterable[Topic], existing: Mapping[str, Existing]) -> list[Change]:
    """What differs. Raises ConfigError (topic_mismatch) where a partition count does: that cannot be made right later,
    because a key's partition, and with it the order of a shopper's events, is a function of the count.
    """
    found = []
    for topic in topics:
        there, wanted = existing.get(topic.name), topic.config()
        if there is None:
            found.append(Change(topic=topic.name, kind="create", partitions=topic.partitions, after=wanted))
            continue
        same_partitions(topic.name, topic.partitions, there.partitions)
        # A broker that does not tell its configuration (the embedded one) has none to change.
        after = {key: value for key, value in wanted.items() if key in there.config and there.config[key] != value}
        if after:
            before = {key: there.config[key] for key in after}
            found.append(
                Change(topic=topic.name, kind="configure", partitions=topic.partitions, before=before, after=after)
            )
    return found


def same_partitions(name: str, wanted: int, there: int) -> None:
    """Raises ConfigError (topic_mismatch)."""
    if wanted != there:
        raise ConfigError(
            Code.TOPIC_MISMATCH,
            f"{name} has {there} partitions, {wanted} are wanted",
            where=name,
            hint=f"set its partitions to {there} under topics, or name another topic",
        )


def _pairs(config: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in config.items())
