"""Topics as data: name, key, value, partitions, retention and cleanup of every topic that Patter creates.

`patter topics plan|apply` compares this with a cluster; workers refuse to start where the partition counts differ,
because a key's partition (and with it the order of a shopper's events) is a function of the count.
"""

from typing import Literal

from msgspec import Struct

DAY_MS = 86_400_000
MIB = 1_048_576

# 1 MB is what brokers accept by default (message.max.bytes), so a larger event is an accident or an attack; the topic
# itself takes more, so that such a record reaches the DLQ, and is counted, instead of failing in the shop's producer.
MAX_EVENT_BYTES = 1_000_000


class Topic(Struct, frozen=True, kw_only=True):
    """One topic's contract. `logical` is the name in settings; `retention_ms` is -1 for 'for ever'."""

    logical: str
    name: str
    key: str
    value: str
    partitions: int
    cleanup: Literal["delete", "compact"]
    retention_ms: int = -1
    max_bytes: int = MIB
    timestamp: Literal["CreateTime", "LogAppendTime"] = "CreateTime"
    about: str

    def config(self) -> dict[str, str]:
        """The topic-level configuration that a broker is asked for. Keys are Kafka's own names."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_bytes),
            "message.timestamp.type": self.timestamp,
        }


# Four partitions keep two to four workers busy on one machine; a production shop raises the number in its settings
# before the first event (raising it later moves keys between partitions).
_WIDE = 4

CATALOGUE: tuple[Topic, ...] = (
    Topic(
        logical="events",
        name="patter.events.v1",
        key="user_id",
        value="schemas.events.Event",
        partitions=_WIDE,
        cleanup="delete",
        retention_ms=30 * DAY_MS,
        max_bytes=4 * MIB,
        about="the one input log: product events and feedback",
    ),
    Topic(
        logical="catalog",
        name="patter.catalog.v1",
        key="product_id",
        value="schemas.catalog.Product",
        partitions=_WIDE,
        cleanup="compact",
        # A price is judged old or new by the broker's own clock, not by a producer's.
        timestamp="LogAppendTime",
        about="product records; an empty value removes the product",
    ),
    Topic(
        logical="decisions",
        name="patter.decisions.v1",
        key="user_id",
        value="schemas.decisions.Decision",
        partitions=_WIDE,
        cleanup="delete",
        retention_ms=30 * DAY_MS,
        about="one record for each decided event",
    ),
    Topic(
        logical="copy_requests",
        name="patter.copy.requests.v1",
        key="product|segment|variant|channel|locale",
        value="schemas.copy.CopyRequest",
        partitions=_WIDE,
        cleanup="delete",
        retention_ms=DAY_MS,
        about="copy that serve missed in the pool",
    ),
    Topic(
        logical="copy",
        name="patter.copy.v1",
        key="product|segment|variant|channel|locale",
        value="schemas.copy.PoolEntry",
        partitions=_WIDE,
        cleanup="compact",
        about="the pool; generate is its only writer",
    ),
    Topic(
        logical="copy_review",
        name="patter.copy.review.v1",
        key="product|segment|variant|channel|locale",
        value="schemas.copy.CopyVerdict",
        partitions=_WIDE,
        cleanup="delete",
        retention_ms=30 * DAY_MS,
        about="texts that were not admitted to the pool, with the codes that say why",
    ),
    Topic(
        logical="copy_rulings",
        name="patter.copy.rulings.v1",
        key="copy_id",
        value="schemas.curation.CopyRuling",
        partitions=1,
        cleanup="compact",
        about="a person's word on single texts: what is rejected is never shown again",
    ),
    Topic(
        logical="creativity",
        name="patter.copy.creativity.v1",
        key="category, or *",
        value="schemas.curation.Creativity",
        partitions=1,
        # Every change there was stays: the topic is its own audit trail, and there are few.
        cleanup="delete",
        about="lambda of each category: how much diversity counts against P_conv",
    ),
    Topic(
        logical="retirements",
        name="patter.copy.retirements.v1",
        key="copy_id|segment",
        value="schemas.retirements.Retirement",
        partitions=1,
        # Nothing is undone, and there are as many as the budget of a day lets pass: the topic is its own audit trail.
        cleanup="delete",
        about="texts that have worn off: what fatigue has retired, in which segment, and why",
    ),
    Topic(
        logical="policy",
        name="patter.policy.v1",
        key="policy",
        value="schemas.policies.PolicySnapshot",
        partitions=1,
        cleanup="compact",
        about="the newest policy snapshot",
    ),
    Topic(
        logical="policy_log",
        name="patter.policy.log.v1",
        key="version",
        value="schemas.policies.PolicySnapshot",
        partitions=1,
        cleanup="delete",
        about="every policy snapshot there was",
    ),
    Topic(
        logical="experiments",
        name="patter.experiments.v1",
        # A version is a key of its own, so compaction keeps every one: the topic is its own audit trail, and a change
        # is one record, where a second topic for the history could be left without it.
        key="experiment|version",
        value="schemas.experiments.ExperimentRecord",
        partitions=1,
        cleanup="compact",
        about="every version of every experiment; the highest version of a name holds",
    ),
    Topic(
        logical="codes",
        name="patter.codes.v1",
        key="code in hex",
        value="schemas.token.CodeName",
        partitions=1,
        cleanup="compact",
        about="names behind the 32-bit codes in decision tokens",
    ),
    Topic(
        logical="partials",
        name="patter.partials.v1",
        key="source|cell, or progress|source",
        value="schemas.partials.Partial or schemas.partials.Progress",
        partitions=_WIDE,
        cleanup="compact",
        about="what each source has counted in each cell so far; the partition follows from the cell",
    ),
    Topic(
        logical="collect_state",
        name="patter.collect.state.v1",
        key="kind|name, of collect's own",
        value="collect's state, binary",
        # A partition of it belongs to the partition of events with the same number.
        partitions=_WIDE,
        cleanup="compact",
        about="touches, orders and counters of collect, from which it is restored",
    ),
    Topic(
        logical="sketches",
        name="patter.sketches.v1",
        key="source|what|kind|bucket, or source|counted|slot",
        value="schemas.sketches.Sketch or schemas.sketches.Stretch",
        # As with the state: a partition of it belongs to the partition of events with the same number.
        partitions=_WIDE,
        cleanup="compact",
        about="distinct shoppers and top products of each source, as sketches; collect is restored from it, too",
    ),
    Topic(
        logical="metrics",
        name="patter.metrics.v1",
        key="cell",
        value="schemas.partials.CellMetrics",
        partitions=_WIDE,
        cleanup="compact",
        about="cells summed over their sources, with rates and intervals",
    ),
    Topic(
        logical="dlq",
        name="patter.dlq.v1",
        key="the record's own",
        value="the record's original bytes",
        partitions=_WIDE,
        cleanup="delete",
        retention_ms=30 * DAY_MS,
        max_bytes=5 * MIB,
        about="records that could not be processed, byte for byte",
    ),
    Topic(
        logical="probe",
        name="patter.probe.v1",
        key="run id",
        value="a marker",
        partitions=1,
        cleanup="delete",
        retention_ms=3_600_000,
        about="a few markers by which a run measures whether the broker isolates transactions",
    ),
)

BY_LOGICAL: dict[str, Topic] = {topic.logical: topic for topic in CATALOGUE}
