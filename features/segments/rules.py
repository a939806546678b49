"""Segment rules as data: ordered, each with conditions on features."""

from collections.abc import Mapping

from msgspec import Struct

from features.views import Kind
from schemas.ports import FeatureValue

Context = Mapping[str, Mapping[str, FeatureValue] | None]
"""{view: {feature: value}}; None for a view of which nothing is known."""

Known = Mapping[str, Mapping[str, Kind]]
"""{view: {feature: kind}}: what a rule may name."""

OPERATORS = (">=", ">", "<=", "<", "==", "!=", "in", "not_in", "exists")


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """One test of one feature. `feature` is `view:name`; `op` one of `OPERATORS`; `value` what it is compared with.

    A feature that is null or not there fails every test but `exists` with the value false. So does a value of another
    type than the condition's: 5 is neither above nor unlike "4".
    """

    feature: str
    op: str
    value: FeatureValue | list[FeatureValue] = None


class SegmentRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A segment and what makes a shopper belong to it: every condition of `all`, and one of `any` where there are some.

    A name may stand in several rules. A rule without conditions never matches.
    """

    name: str
    all: list[Condition] = []
    any: list[Condition] = []


class SegmentTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The rules in the order in which they are tried; `version` is written into every decision.

    `default` is the segment of a shopper whom no rule takes, `unknown` of one of whom nothing is known.
    """

    version: str
    rules: list[SegmentRule]
    default: str = "regular"
    unknown: str = "new"

    def names(self) -> list[str]:
        """Every segment there is, in the order of the rules."""
        return list(dict.fromkeys([*(rule.name for rule in self.rules), self.default, self.unknown]))
