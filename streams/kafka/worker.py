"""What the batch loop asks of a role. A role is pure but for its states: it answers records with records."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from streams.kafka.records import Batch, Record


class Worker(Protocol):
    """A role that the loop runs. Calls never overlap."""

    def assigned(self, positions: Mapping[int, int]) -> None:
        """These partitions are now ours; the loop will read each from the offset given."""
        ...

    def revoked(self, partitions: Sequence[int]) -> None:
        """These partitions are no longer ours."""
        ...

    def step(self, records: Sequence[Record]) -> Batch:
        """Answer a batch. Nothing that this changes may count before `committed` is called."""
        ...

    def committed(self, records: Sequence[Record]) -> None:
        """The batch's answers and its offsets are durable."""
        ...

    def aborted(self) -> None:
        """The last step never happened; its records will be read again."""
        ...

    def idle(self) -> None:
        """Called between batches, also when nothing came: swap states, publish gauges."""
        ...

    def wants(self) -> bool:
        """Whether there is something to send though nothing came: `step` is then called without records too."""
        ...

    def ready(self) -> bool:
        """Whether the role may be given records. Until then the loop keeps its membership and reads nothing."""
        ...
