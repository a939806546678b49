"""`patter.partials.v1` and `patter.metrics.v1`: cells as collect and learn publish them."""

from msgspec import Struct

PROGRESS = "progress"


class Partial(Struct, frozen=True, kw_only=True):
    """What one source has counted in one cell so far. `counters` leaves out zeros; `through` is an offset."""

    source: str
    cell: str
    through: int
    counters: dict[str, int]


class Progress(Struct, frozen=True, kw_only=True):
    """How far a source is counted: the last offset, and the greatest event time up to it (ms since the epoch)."""

    source: str
    through: int
    high_ms: int


class Rate(Struct, frozen=True):
    """A rate with its 95 % interval; all null where there is nothing to divide by."""

    value: float | None
    low: float | None
    high: float | None


class CellMetrics(Struct, frozen=True, kw_only=True):
    """A record of `patter.metrics.v1`: a cell by name, summed over its sources.

    `sources` is {source: [through, counters]}; `revision` grows with every change: a reader drops lower ones. A name
    that is not known yet is the code in 8 hex digits. In the family copy `variant` is the text's code in hex: that of
    its `copy_id` in the pool. In the family shoppers category and segment are empty, and counters pass 2^63.
    """

    family: str
    bucket: str
    experiment: str
    category: str
    segment: str
    variant: str
    counters: dict[str, int]
    sources: dict[str, tuple[int, dict[str, int]]]
    revision: int
    rates: dict[str, Rate] = {}


def partial_key(source: str, cell: str) -> str:
    """The key of a partial: what compaction keeps one of."""
    return f"{source}|{cell}"


def progress_key(source: str) -> str:
    """The key of a source's progress."""
    return f"{PROGRESS}|{source}"
