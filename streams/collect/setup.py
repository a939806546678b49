"""What collect's worker is given besides its ports."""

from msgspec import Struct

from streams.collect.rules import Rules


class CollectTopics(Struct, frozen=True):
    """Names of the topics, and how many partitions partials have. Those of state and sketches are the events'."""

    events: str
    partials: str
    state: str
    partial_partitions: int
    sketches: str


class CollectSetup(Struct, frozen=True, kw_only=True):
    """`incarnation` names the life of the input log that the counters are about."""

    topics: CollectTopics
    rules: Rules
    incarnation: str
