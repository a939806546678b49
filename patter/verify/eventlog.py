"""The input log as rows, read on with every `refresh`."""

from patter.verify.rows import Rows
from patter.verify.rules import Rules
from patter.verify.topic import TopicReader
from streams.kafka.config import KafkaOptions


class EventLog:
    """Follow it from the start where the broker drops old records, as the embedded one does."""

    def __init__(self, options: KafkaOptions, topic: str, rules: Rules) -> None:
        self.reader = TopicReader(options, topic)
        self.rows = Rows(rules)

    def refresh(self) -> None:
        """Read up to the end as it is now; partitions that are cut are left alone. Raises LackingError."""
        for record in self.reader.read(past_cuts=False):
            self.rows.put(record.partition, record.offset, record.timestamp_ms, record.value)
