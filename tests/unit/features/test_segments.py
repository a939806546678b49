"""Segment rules: first match, nulls, types, and the shopper of whom nothing is known."""

import pytest

from features.default_segments import DEFAULT_TABLE
from features.segments import Condition, SegmentRule, SegmentTable, compile  # noqa: A004
from schemas.ports import FeatureValue

PROFILE = "user_profile"


def holds(op: str, value: object, feature: FeatureValue) -> bool:
    """Whether one condition holds for one feature's value, beside another feature that is there."""
    table = SegmentTable("1", [SegmentRule("yes", all=[Condition("v:f", op, value)])])  # type: ignore[arg-type]
    return compile(table)({"v": {"f": feature, "other": 1}}) == "yes"


@pytest.mark.parametrize(
    ("op", "value", "feature", "expected"),
    [
        (">=", 3, 3, True),
        (">=", 3, 2.9, False),
        (">", 3, 3, False),
        ("<=", 3, 3, True),
        ("<", 3, 2, True),
        ("<", 3.5, 3, True),
        ("==", "gold", "gold", True),
        ("==", "gold", "Gold", False),
        ("==", 1, 1.0, True),
        ("==", 1, True, False),
        ("==", True, True, True),
        ("==", True, 1, False),
        ("!=", "gold", "silver", True),
        ("!=", "gold", "gold", False),
        ("!=", "gold", 5, False),
        ("!=", 1, float("nan"), False),
        (">=", "b", "c", True),
        (">=", 3, "4", False),
        (">=", 3, True, False),
        ("in", ["gold", "platinum"], "gold", True),
        ("in", ["gold"], "silver", False),
        ("in", [1, 2], 2.0, True),
        ("in", [1], True, False),
        ("not_in", ["gold"], "silver", True),
        ("not_in", ["gold"], "gold", False),
        ("not_in", ["gold"], 5, False),
        ("exists", None, 0, True),
        ("exists", True, "", True),
        ("exists", False, 0, False),
    ],
)
def test_one_condition(op: str, value: object, feature: FeatureValue, expected: bool) -> None:
    assert holds(op, value, feature) is expected


@pytest.mark.parametrize("op", [">=", ">", "<=", "<", "==", "!=", "in", "not_in", "exists"])
def test_a_null_fails_every_condition(op: str) -> None:
    value: object = ["x"] if op in ("in", "not_in") else None if op == "exists" else "x"
    assert holds(op, value, None) is False


def test_only_exists_false_holds_for_what_is_not_there() -> None:
    assert holds("exists", False, None)


@pytest.mark.parametrize(("op", "value"), [("~", 1), ("in", []), ("in", "gold"), (">=", None), ("==", [1])])
def test_a_condition_that_makes_no_sense_never_holds(op: str, value: object) -> None:
    assert holds(op, value, 1) is False


def table(*rules: SegmentRule) -> SegmentTable:
    return SegmentTable("1", list(rules), default="rest", unknown="who")


FEW, MANY = Condition("v:orders", "<", 3), Condition("v:orders", ">=", 3)
GOLD = Condition("v:tier", "==", "gold")


def test_the_first_rule_that_holds_wins() -> None:
    segment_of = compile(table(SegmentRule("gold", all=[GOLD]), SegmentRule("many", all=[MANY])))
    assert segment_of({"v": {"tier": "gold", "orders": 9}}) == "gold"
    assert segment_of({"v": {"tier": "tin", "orders": 9}}) == "many"
    assert segment_of({"v": {"tier": "tin", "orders": 1}}) == "rest"


def test_all_and_any_together() -> None:
    segment_of = compile(table(SegmentRule("s", all=[MANY], any=[GOLD, Condition("v:vip", "==", True)])))
    assert segment_of({"v": {"orders": 5, "vip": True}}) == "s"
    assert segment_of({"v": {"orders": 5}}) == "rest"
    assert segment_of({"v": {"orders": 1, "tier": "gold"}}) == "rest"


def test_any_alone() -> None:
    segment_of = compile(table(SegmentRule("s", any=[GOLD, MANY])))
    assert segment_of({"v": {"orders": 5}}) == "s"
    assert segment_of({"v": {"orders": 1, "tier": "gold"}}) == "s"
    assert segment_of({"v": {"orders": 1}}) == "rest"


def test_a_rule_without_conditions_takes_nobody() -> None:
    assert compile(table(SegmentRule("all")))({"v": {"orders": 1}}) == "rest"


@pytest.mark.parametrize(
    "context", [{}, {"v": None, "p": {"stock": 3}}, {"v": {}, "p": None}, {"v": {"orders": None}, "p": {"stock": 1}}]
)
def test_unknown_is_who_has_no_value_in_any_view_of_the_shopper(context: dict[str, dict[str, FeatureValue]]) -> None:
    segment_of = compile(table(SegmentRule("s", all=[Condition("p:stock", ">=", 0)])), user_views={"v"})
    assert segment_of(context) == "who"


def test_without_naming_the_shoppers_views_any_value_counts() -> None:
    segment_of = compile(table())
    assert segment_of({"v": None, "p": {"stock": 3}}) == "rest"
    assert segment_of({"v": None, "p": {"stock": None}}) == "who"


def test_with_the_known_features_no_other_is_looked_at() -> None:
    segment_of = compile(table(SegmentRule("s", all=[GOLD])), {"v": {"orders": "int"}})
    assert segment_of({"v": {"tier": "gold"}}) == "rest"


@pytest.mark.parametrize(
    ("profile", "segment"),
    [
        ({"orders_90d": 5}, "loyal"),
        ({"loyalty_tier": "platinum", "orders_90d": 0}, "loyal"),
        ({"avg_order_minor": 15_000, "orders_90d": 5}, "big_spender"),
        ({"discount_share": 0.6, "orders_90d": 1}, "bargain_hunter"),
        ({"discount_share": 0.6, "orders_90d": 0}, "regular"),
        ({"days_since_order": 60, "discount_share": 0.9, "orders_90d": 2}, "lapsed"),
        ({"segment_hint": "loyal", "days_since_order": 300}, "loyal"),
        ({"segment_hint": "something else", "orders_90d": 1}, "regular"),
        ({"locale": "en"}, "regular"),
        ({}, "new"),
    ],
)
def test_the_default_table(profile: dict[str, FeatureValue], segment: str) -> None:
    assert compile(DEFAULT_TABLE, user_views={PROFILE})({PROFILE: profile}) == segment


def test_the_names_of_a_table() -> None:
    assert DEFAULT_TABLE.names() == ["bargain_hunter", "loyal", "big_spender", "lapsed", "regular", "new"]
