"""What is fixed about one run once it has begun."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from patter.demo.brokerage import OpenBroker
from patter.demo.offsets import Offsets
from patter.demo.options import DemoOptions
from patter.settings import Settings
from streams.kafka.config import KafkaOptions


class RunRecord(Struct, frozen=True, kw_only=True):
    """`begin` is where each topic ended before the run; `topics` maps logical names to real ones; `counted_before` are
    the totals of the input log's partitions by then.
    """

    options: DemoOptions
    run_id: str
    started: datetime
    broker: OpenBroker
    isolated: bool
    settings: Settings
    config: Path
    kafka: KafkaOptions
    topics: dict[str, str]
    begin: dict[str, Offsets]
    previous_runs: int
    counted_before: Mapping[str, Mapping[str, int]] = {}
