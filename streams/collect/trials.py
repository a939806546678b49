"""The experiments by which orders are counted by intent to treat, as `patter.experiments.v1` has them."""

from collections.abc import Callable

import msgspec
import structlog

from inference.experiment.trial_groups import tried
from schemas.experiments import ExperimentRecord
from schemas.trial_groups import Tried
from streams.broadcast.experiments import Experiments
from streams.broadcast.reader import BroadcastReader
from streams.kafka.config import KafkaOptions

log = structlog.get_logger("patter.streams.collect")
_decode = msgspec.json.Decoder(ExperimentRecord).decode


class FollowedTrials:
    """Follows the topic. Changes only in `swap`, between batches."""

    def __init__(self, options: KafkaOptions, topic: str, now_ms: Callable[[], int]) -> None:
        self._topic = topic
        self._reader = BroadcastReader(options, [topic], now_ms)
        self._experiments = Experiments()
        self._trials: tuple[Tried, ...] = ()
        self._reader.start()

    def now(self) -> tuple[Tried, ...] | None:
        """As of the last `swap`; None before the topic was read whole once."""
        return self._trials if self._reader.whole_ms(self._topic) is not None else None

    def swap(self) -> None:
        """Take what has arrived."""
        records = self._reader.drain()
        for record in records:
            try:
                self._experiments.take(_decode(record.value or b""))
            except msgspec.MsgspecError:
                log.warning("experiment skipped", offset=record.offset)
        if records:
            self._trials = tried(self._experiments.newest())

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()
