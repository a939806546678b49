"""Topics as verify reads them: whole, and then on from where it stopped."""

from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException

from schemas.errors import Code, LackingError
from streams.kafka.cluster import METADATA_TIMEOUT_S, unreachable
from streams.kafka.config import Isolation, KafkaOptions, plain_consumer_config
from streams.kafka.dump import DumpRecord, read_topic
from streams.kafka.watermarks import watermarks

ANSWER_TIMEOUT_S = 15.0
NEVER = 2**63 - 1
"""An offset at which nothing will ever be read."""


class TopicReader:
    """Reads a topic from its beginning, each time a little further.

    `begins` is the first offset that each partition had at the first look, `next` where reading goes on; `cut` are the
    partitions of which records were gone before they were read.
    """

    def __init__(self, options: KafkaOptions, topic: str) -> None:
        self._options, self.topic = options, topic
        self.begins: dict[int, int] = {}
        self.next: dict[int, int] = {}
        self.cut: set[int] = set()

    def marks(self, isolation: Isolation = "read_committed") -> dict[int, tuple[int, int]]:
        """By partition the first offset and the end. Raises LackingError (topic_missing, broker_unreachable)."""
        consumer = Consumer({**plain_consumer_config(self._options, isolation=isolation), "log_level": 0})
        try:
            known = consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics.get(self.topic)
            if known is None:
                raise LackingError(Code.TOPIC_MISSING, f"topic {self.topic} does not exist", hint="patter topics apply")
            return {p: watermarks(consumer, self.topic, p, ANSWER_TIMEOUT_S) for p in sorted(known.partitions)}
        except KafkaException as error:
            raise unreachable(self._options.bootstrap, error.args[0].str()) from error
        finally:
            consumer.close()

    def read(self, *, past_cuts: bool) -> Iterator[DumpRecord]:
        """What came since the last time, up to the end as it is now. Raises LackingError.

        Without `past_cuts`, partitions that are cut are left alone: nothing can be said of them.
        """
        marks = self.marks()
        for partition, (low, _) in marks.items():
            self.begins.setdefault(partition, low)
            if low > self.next.get(partition, 0):
                self.cut.add(partition)
        start = {partition: self.next.get(partition, low) for partition, (low, _) in marks.items()}
        skipped = {} if past_cuts else dict.fromkeys(self.cut, NEVER)
        first: dict[int, int] = {}
        for record in read_topic(self._options, self.topic, "read_committed", {**start, **skipped}):
            first.setdefault(record.partition, record.offset)
            self.next[record.partition] = record.offset + 1
            yield record
        # Records may be dropped between the look at where a partition begins and its first fetch.
        for partition, (low, _) in self.marks().items():
            if low > start.get(partition, 0) and first.get(partition, low) >= low:
                self.cut.add(partition)

    def settled(self) -> bool:
        """Whether no transaction is under way that had written before this was asked."""
        written = self.marks("read_uncommitted")
        stable = self.marks()
        return all(stable[partition][1] >= end for partition, (_, end) in written.items() if partition in stable)
