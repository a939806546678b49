"""What is wrong with segment rules, by field."""

import msgspec
import pytest

from features.default_segments import DEFAULT_TABLE
from features.segment_check import validate
from features.segments import Condition, SegmentRule, SegmentTable
from features.views import Kind, known_features

KNOWN: dict[str, dict[str, Kind]] = {"v": {"orders": "int", "tier": "str", "vip": "bool", "share": "float"}}


def faults(*conditions: Condition, known: dict[str, dict[str, Kind]] | None = KNOWN) -> list[tuple[str, str]]:
    return validate(SegmentTable("1", [SegmentRule("s", any=list(conditions))]), known)


def test_the_default_table_fits_patters_own_views() -> None:
    assert validate(DEFAULT_TABLE, known_features("decision_context_v1")) == []


@pytest.mark.parametrize(
    ("condition", "field", "said"),
    [
        (Condition("orders", ">=", 1), "feature", "not of the form view:feature"),
        (Condition(":orders", ">=", 1), "feature", "not of the form view:feature"),
        (Condition("w:orders", ">=", 1), "feature", "there is no view 'w'; there are v"),
        (Condition("v:nope", ">=", 1), "feature", "it has orders, tier, vip, share"),
        (Condition("v:orders", "=>", 1), "op", "there is no operator '=>'"),
        (Condition("v:orders", ">=", "1"), "value", "cannot be compared with v:orders, which is a number"),
        (Condition("v:orders", ">=", True), "value", "cannot be compared"),
        (Condition("v:tier", "==", 1), "value", "which is text"),
        (Condition("v:vip", ">=", True), "value", "no order"),
        (Condition("v:tier", "in", []), "value", "at least one value"),
        (Condition("v:tier", "in", "gold"), "value", "takes a list"),
        (Condition("v:tier", "in", ["gold", 1]), "value", "1 cannot be compared"),
        (Condition("v:tier", "==", ["gold"]), "value", "a list goes with in"),
        (Condition("v:tier", "=="), "value", "takes a value"),
        (Condition("v:tier", "exists", "yes"), "value", "true (the default) or false"),
    ],
)
def test_a_wrong_condition_is_named_by_its_field(condition: Condition, field: str, said: str) -> None:
    [(path, message)] = faults(Condition("v:vip", "exists"), condition)
    assert path == f"segments[0].any[1].{field}"
    assert said in message


@pytest.mark.parametrize(
    "condition",
    [
        Condition("v:orders", ">=", 1.5),
        Condition("v:share", "<", 1),
        Condition("v:tier", "in", ["gold"]),
        Condition("v:vip", "==", True),
        Condition("v:tier", "exists", False),
    ],
)
def test_a_right_condition_is_not(condition: Condition) -> None:
    assert faults(condition) == []


def test_without_the_views_only_the_form_is_judged() -> None:
    assert faults(Condition("any:thing", ">=", "x"), known=None) == []
    assert faults(Condition("anything", ">=", "x"), known=None) != []


def test_names_and_empty_rules() -> None:
    table = SegmentTable("", [SegmentRule("a|b", all=[Condition("v:vip", "exists")]), SegmentRule("c")], "x y", "")
    assert [path for path, _ in validate(table, KNOWN)] == [
        "segment_version",
        "segment_default",
        "segment_unknown",
        "segments[0].name",
        "segments[1]",
    ]


def test_rules_come_from_plain_settings() -> None:
    given = {
        "version": "7",
        "rules": [{"name": "s", "all": [{"feature": "v:tier", "op": "in", "value": ["a", "b"]}], "any": []}],
        "default": "d",
        "unknown": "u",
    }
    table = msgspec.convert(given, SegmentTable)
    assert table.rules[0].all[0] == Condition("v:tier", "in", ["a", "b"])
    assert validate(table, KNOWN) == []
