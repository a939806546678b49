"""What `patter verify` found, and how it is told."""

from datetime import datetime

import msgspec
from msgspec import Struct

from patter.verify.rules import Difference

# Whoever looks for a fault needs the first few; a wrong setting makes every cell differ.
MOST_TOLD = 1_000
# Up to here every reader of JSON has whole numbers exactly.
MOST_EXACT = 2**53
EQUAL, DIFFERS, INCONCLUSIVE = 0, 1, 4


class Start(Struct, frozen=True, kw_only=True):
    """The checkpoint that a run counted on from, and up to which offset of which partition it reaches."""

    name: str
    written_at: datetime
    through: dict[int, int]


class VerifyResult(Struct, frozen=True, kw_only=True):
    """`cells` and `sketches` were compared, `differing` of them differ. `offsets` is topic -> partition -> (from, to).

    Of `truncated_partitions` the log does not begin at 0 any more, and no checkpoint reaches it: nothing can be said
    of them. `checkpoint` is where those in it were counted on from; `kept` is the name of one that was written.
    """

    cells: int
    sketches: int = 0
    records_read: int
    differences: list[Difference]
    truncated_partitions: list[int]
    offsets: dict[str, dict[int, tuple[int, int]]]
    checkpoint: Start | None = None
    kept: str | None = None

    @property
    def equal(self) -> bool:
        """Whether everything was compared and nothing differs."""
        return not self.differences and not self.truncated_partitions

    @property
    def differing(self) -> int:
        """How many cells and sketches differ."""
        return len({(each.partition, each.cell) for each in self.differences})

    @property
    def exit_code(self) -> int:
        """0 equal, 1 differs, 4 inconclusive."""
        if self.differences:
            return DIFFERS
        return INCONCLUSIVE if self.truncated_partitions else EQUAL

    def failures(self) -> list[str]:
        """What does not hold, a line each."""
        told = []
        if self.differences:
            told.append(f"{self.differing} of {self.cells} cells and {self.sketches} sketches differ")
        if self.truncated_partitions:
            told.append(f"the log of partitions {self.truncated_partitions} is cut and {self._lacking()}")
        return told

    def _lacking(self) -> str:
        return "there is no checkpoint" if self.checkpoint is None else f"{self.checkpoint.name} does not reach it"

    def members(self) -> dict[str, object]:
        """As it stands in a result; at most 1,000 differences."""
        return {
            "equal": self.equal,
            "cells": self.cells,
            "sketches": self.sketches,
            "differing": self.differing,
            "truncated_partitions": self.truncated_partitions,
            "records_read": self.records_read,
            "checkpoint": msgspec.to_builtins(self.checkpoint, str_keys=True),
            "kept": self.kept,
            "offsets": self.offsets,
            "differences": [_told(each) for each in self.differences[:MOST_TOLD]],
        }


def _told(difference: Difference) -> dict[str, object]:
    """A difference. A sum of squares that JSON's readers would round stands as text."""
    told: dict[str, object] = msgspec.to_builtins(difference)
    for field in ("online", "batch"):
        number = told[field]
        if isinstance(number, int) and abs(number) > MOST_EXACT:
            told[field] = str(number)
    return told
