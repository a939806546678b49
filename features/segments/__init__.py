"""Which segment a shopper is in: ordered rules over features, compiled once, asked for every decision."""

from features.segments.matching import compile  # noqa: A004 - `segments.compile(table)` reads as what it does
from features.segments.rules import Condition, SegmentRule, SegmentTable

__all__ = ["Condition", "SegmentRule", "SegmentTable", "compile"]
