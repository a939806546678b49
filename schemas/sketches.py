"""`patter.sketches.v1`: distinct shoppers and top products of a source, as sketches. docs/feedback.md is the law.

A source has two kinds of record. A sketch is one whole, as of its `through`. A stretch is what was counted in one batch
after the sketches were last written; whoever reads adds those that are newer than every sketch to them.
"""

from hashlib import blake2b
from typing import NamedTuple

from msgspec import Struct

from schemas.cells import DAY_MS, LIFE, Width, bucket_name, is_kept

DISTINCT, TOP = "distinct", "top"
KINDS = ("impressions", "clicks", "orders", "revenue_minor")
"""What is counted, by the number that stands in stretches. Only products have the last one."""
SHOPPER_KINDS = KINDS[:3]
REVENUE = KINDS.index("revenue_minor")
KIND_AT = {name: at for at, name in enumerate(KINDS)}
REACH_DAY = Width("reach", "1d", DAY_MS, 30 * DAY_MS)
"""The bucket of a day, by the time of the event."""
ALL_TIME = -1
"""In place of a day: for ever."""
COUNTED = "counted"
"""In place of a sketch's name: the key of a stretch goes on with its slot."""
# Sums stay below 2^64 for eight million amounts of this size, which is ten thousand million of a currency with cents.
MOST_AMOUNT = 2**40

Entry = tuple[int, int, int, int, int]
"""What an event brought: a kind's number, the day of the event (since the epoch; ALL_TIME where it is not kept any
more), the product's code, the amount, the shopper's number."""


class Name(NamedTuple):
    """Which sketch of a source: DISTINCT shoppers or TOP products, of what, and in which bucket."""

    what: str
    kind: str
    day: int

    def text(self) -> str:
        """As it stands in keys."""
        return f"{self.what}|{self.kind}|{bucket_of(self.day)}"


class Sketch(Struct, frozen=True, kw_only=True):
    """One sketch of one source, in the format of Apache DataSketches: HLL (lg 13) or frequent items of 64-bit integers.

    It counts from the offset `since` up to `through`. `high_ms` is the greatest event time of the source by then.
    """

    source: str
    since: int
    through: int
    high_ms: int
    name: tuple[str, str, int]
    data: bytes


class Stretch(Struct, frozen=True, kw_only=True):
    """What one batch counted, in the order of the log. It says nothing where a sketch of the source goes as far."""

    source: str
    since: int
    through: int
    high_ms: int
    entries: list[Entry]


def shopper_number(user_id: str) -> int:
    """The 52 bits that stand for a shopper: every reader of JSON has them exactly, and of a hundred million shoppers
    one or two share theirs.
    """
    return int.from_bytes(blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 12


def day_of(moment_ms: int, high_ms: int) -> int:
    """The day to count an event in; ALL_TIME where it is kept no longer."""
    day = moment_ms // DAY_MS
    return day if is_kept(REACH_DAY, day * DAY_MS, high_ms) else ALL_TIME


def is_over(day: int, high_ms: int) -> bool:
    """Whether a sketch's bucket is kept no longer."""
    return day != ALL_TIME and not is_kept(REACH_DAY, day * DAY_MS, high_ms)


def bucket_of(day: int) -> str:
    """The bucket of a day, as cells name theirs."""
    return LIFE if day == ALL_TIME else bucket_name(REACH_DAY, day * DAY_MS)


def sketch_key(source: str, name: Name) -> str:
    """The key of a sketch."""
    return f"{source}|{name.text()}"


def stretch_key(source: str, slot: int) -> str:
    """The key of a stretch: slots are used again, so that there are no more records than slots."""
    return f"{source}|{COUNTED}|{slot}"
