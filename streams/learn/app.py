"""The Faust app: a Table of cells over `patter.partials.v1`, and a timer that publishes what changed.

Nothing is committed in its group (`acks=False`), so every assignment begins at the start of the compacted topic: what
Faust lost, skipped or read from an aborted transaction is mended by the next one. Faust reads uncommitted records; a
partial of an aborted transaction says the same as the committed one that follows it (`streams/learn/cells.py`).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import faust
import structlog
from faust.types import TP

from streams.kafka.config import SESSION_TIMEOUT_MS, KafkaOptions
from streams.kafka.faust_options import faust_options
from streams.learn.held import Held
from streams.learn.reading import Reading
from streams.learn.setup import LearnSetup
from streams.learn.table import cell_table

log = structlog.get_logger("patter.streams.learn")

HEARTBEAT_S = 3.0
# A consumer that is joining its group has no positions to tell.
POSITION_S = 2.0
# A fetch that was under way during a rebalance may come in after it; Faust then takes everything before it for read.
SETTLED_S = 2.0


class LearnApp:
    """Faust around `Held` and `Reading`. `assigned` hears the partitions that the worker has from now on."""

    def __init__(
        self,
        options: KafkaOptions,
        setup: LearnSetup,
        reading: Reading,
        monotonic_s: Callable[[], float],
        assigned: Callable[[frozenset[int]], None],
    ) -> None:
        self._setup, self._reading, self._monotonic_s, self._assigned = setup, reading, monotonic_s, assigned
        self.faust = faust.App(
            setup.group,
            **faust_options(options),
            store="memory://",
            datadir=setup.faust_dir,
            web_enabled=False,
            # Topics come from the catalogue, with its partition counts, or not at all.
            topic_allow_declare=False,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest",
            # A restarted worker is the same member and has its partitions at once.
            consumer_group_instance_id=setup.member,
            broker_session_timeout=SESSION_TIMEOUT_MS / 1000,
            broker_heartbeat_interval=HEARTBEAT_S,
            # As in librdkafka by default. The embedded broker changes batches and leaves their sums as they were.
            broker_check_crcs=False,
            stream_wait_empty=False,
        )
        table = cell_table(self.faust)
        self.held = Held(table, table.forget)
        self._topic = self.faust.topic(
            setup.topics.partials,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            allow_empty=True,
            acks=False,
        )
        self.faust.agent(self._topic, name="cells")(self._cells)
        self.faust.on_partitions_assigned.connect(self._on_assigned, weak=False)
        self._again: asyncio.Task[None] | None = None

    def every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Call `work` in Faust's loop, one call after the other."""
        self.faust.timer(interval=seconds)(work)

    async def positions(self) -> dict[int, int]:
        """What the consumer will fetch next, by partition; without those that it cannot tell now."""
        found = {}
        for partition in self._reading.partitions:
            with contextlib.suppress(Exception):
                asked = self.faust.consumer.position(TP(self._setup.topics.partials, partition))
                position = await asyncio.wait_for(asked, POSITION_S)
                if position is not None:
                    found[partition] = position
        return found

    async def _cells(self, stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            # An exception would restart the agent; `take` answers for what a record can do wrong.
            self.held.take(message.partition, message.key, message.value)
            self._reading.handled(message.partition, message.offset)

    async def _on_assigned(self, _app: Any, assigned: set[TP], **_: Any) -> None:
        partitions = frozenset(tp.partition for tp in assigned if tp.topic == self._setup.topics.partials)
        log.info("assigned", partitions=sorted(partitions))
        self.held.assign(partitions)
        self._reading.assign(partitions, self._monotonic_s())
        self._assigned(partitions)
        if self._again is not None:
            self._again.cancel()
        self._again = asyncio.get_running_loop().create_task(self._read_again(partitions))

    async def _read_again(self, partitions: frozenset[int]) -> None:
        """Go back to the beginning once more, when nothing of before the rebalance can come in any longer.

        What is read twice says the same twice; what was passed over the first time would be missing for good.
        """
        await asyncio.sleep(SETTLED_S)
        for partition in partitions:
            await self.faust.consumer.seek(TP(self._setup.topics.partials, partition), 0)
