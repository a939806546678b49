"""The input log as rows, read on with every `refresh`."""

from patter.verify.carried import Carried
from patter.verify.rows import Rows
from patter.verify.rules import Rules
from patter.verify.topic import TopicReader
from streams.kafka.config import KafkaOptions


class EventLog:
    """Follow it from the start where the broker drops old records, as the embedded one does.

    Partitions of which something is `carried` are read from there on.
    """

    def __init__(self, options: KafkaOptions, topic: str, rules: Rules, carried: Carried | None = None) -> None:
        self.reader = TopicReader(options, topic)
        self.carried = carried
        self.rows = Rows(rules, None if carried is None else carried.names)
        if carried is not None:
            self.reader.next.update({partition: through + 1 for partition, through in carried.through.items()})

    def refresh(self) -> None:
        """Read up to the end as it is now; partitions that are cut are left alone. Raises LackingError."""
        for record in self.reader.read(past_cuts=False):
            self.rows.put(record.partition, record.offset, record.timestamp_ms, record.value)

    def last_below(self, partition: int, end: int) -> int:
        """The last record before an offset, -1 where there is none: offsets have holes."""
        return max(self.rows.last_below(partition, end), self._before(partition))

    def begin(self, partition: int) -> int:
        """The first offset that was read, or would have been."""
        return max(self.reader.begins.get(partition, 0), self._before(partition) + 1)

    def _before(self, partition: int) -> int:
        return -1 if self.carried is None else self.carried.through.get(partition, -1)
