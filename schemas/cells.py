"""What is counted: cells, their buckets, and the names of counters. docs/feedback.md is the law."""

from typing import NamedTuple

SECOND_MS = 1_000
MINUTE_S = 60
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
LIFE = "life"
OTHER = 0xFFFFFFFF
"""The code of every part of the arm cell in which those past the limit are counted."""

ARM_COUNTERS = (
    "impressions",
    "imputed",
    "clicks",
    "carts",
    "orders",
    "order_lines",
    "revenue_minor",
    "refunds",
    "refunded_minor",
    "clicked_carts",
    "clicked_orders",
    "impressed_orders",
)
"""Counters of a cell of the families flow, cohort and copy."""

TOTAL_COUNTERS = (
    *ARM_COUNTERS[:9],
    "events",
    "rejected",
    "late",
    "suppressed",
    "duplicates",
    "token_invalid",
    "token_expired",
    "excluded",
    "currency_mismatch",
    "refund_unknown",
    "match_token",
    "match_session",
    "match_inferred",
    "match_none",
)
"""Counters of the one cell of the family total."""


class Width(NamedTuple):
    """A kind of bucket: its family, its name, how long one is and how long it is kept behind high, in ms."""

    family: str
    name: str
    width_ms: int
    keep_ms: int


FLOW = Width("flow", "1m", MINUTE_S * SECOND_MS, 2 * HOUR_MS)
YOUNG = Width("cohort", "5m", 5 * MINUTE_S * SECOND_MS, 2 * HOUR_MS)
DAY = Width("cohort", "1d", DAY_MS, 30 * DAY_MS)
WIDTHS = (FLOW, YOUNG, DAY)
"""The buckets of arm cells."""


COPY = "copy"
"""The family of single texts: its cells have a text's code where those of the others have the variant's."""
# A click comes up to 7 days after its decision, and a decline is looked for in the days after that. What is older
# stands in the lifetime cell, less the days; the widest family is kept half as long as arm cells.
TEXT_DAY = Width(COPY, "1d", DAY_MS, 14 * DAY_MS)
"""The bucket of copy cells."""


class ArmCell(NamedTuple):
    """Experiment, category, segment and variant, as 32-bit codes. In the family copy `variant` is the text's code."""

    experiment: int
    category: int
    segment: int
    variant: int


OTHERS = ArmCell(OTHER, OTHER, OTHER, OTHER)
NONE = ArmCell(0, 0, 0, 0)


class Cell(NamedTuple):
    """A family and a bucket of an arm cell."""

    family: str
    bucket: str
    arm: ArmCell

    def text(self) -> str:
        """As it stands in keys."""
        return f"{self.family}|{self.bucket}|" + "|".join([f"{code:08x}" for code in self.arm])


TOTAL = Cell("total", LIFE, NONE)


def cell_of(text: str) -> Cell:
    """A cell from its text. Raises ValueError."""
    family, bucket, *codes = text.split("|")
    if len(codes) != 4:
        raise ValueError(f"{text!r} is no cell")
    return Cell(family, bucket, ArmCell(*(int(code, 16) for code in codes)))


def bucket_start(width: Width, moment_ms: int) -> int:
    """The start, in ms, of the bucket in which a moment lies."""
    return moment_ms - moment_ms % width.width_ms


def bucket_name(width: Width, start_ms: int) -> str:
    """The bucket that begins at `start_ms`."""
    return f"{width.name}:{start_ms // SECOND_MS}"


def is_kept(width: Width, start_ms: int, high_ms: int) -> bool:
    """Whether the bucket that begins at `start_ms` is still counted in when `high_ms` is the greatest event time."""
    return start_ms + width.width_ms + width.keep_ms > high_ms


def expires_ms(family: str, bucket: str) -> int | None:
    """From which high on a family's bucket is gone; None for one that is kept for ever. Raises ValueError, KeyError."""
    if bucket == LIFE:
        return None
    name, _, start = bucket.partition(":")
    width = _BY_NAME[family, name]
    return int(start) * SECOND_MS + width.width_ms + width.keep_ms


_BY_NAME = {(width.family, width.name): width for width in (*WIDTHS, TEXT_DAY)}
