"""Whatever the rules and the features are, a segment comes out, and it is the first that a slow reading would give."""

from hypothesis import given
from hypothesis import strategies as st

from features.segment_check import validate
from features.segments import Condition, SegmentRule, SegmentTable, compile  # noqa: A004
from schemas.ports import FeatureValue

VIEWS, NAMES = ("v", "w", ""), ("a", "b", "")
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(["", "x", "y", "1"]),
    st.floats(width=16),
    st.integers(),
)
CONDITIONS = st.builds(
    Condition,
    feature=st.builds("{}:{}".format, st.sampled_from(VIEWS), st.sampled_from(NAMES)) | st.text(max_size=3),
    op=st.sampled_from([">=", ">", "<=", "<", "==", "!=", "in", "not_in", "exists", "", "like"]),
    value=SCALARS | st.lists(SCALARS, max_size=3),
)
RULES = st.builds(
    SegmentRule,
    name=st.sampled_from(["s0", "s1", "s2"]),
    all=st.lists(CONDITIONS, max_size=2),
    any=st.lists(CONDITIONS, max_size=2),
)
TABLES = st.builds(SegmentTable, version=st.just("1"), rules=st.lists(RULES, max_size=4))
CONTEXTS = st.dictionaries(
    st.sampled_from(VIEWS), st.none() | st.dictionaries(st.sampled_from(NAMES), SCALARS, max_size=3), max_size=3
)


def _kind(value: object) -> type:
    return float if type(value) in (int, float) else type(value)


def _holds(condition: Condition, context: dict[str, dict[str, FeatureValue] | None]) -> bool:
    view, _, name = condition.feature.partition(":")
    value, wanted = (context.get(view) or {}).get(name), condition.value
    if condition.op == "exists":
        return (value is not None) is (wanted is not False)
    if value is None or wanted is None or value != value:
        return False
    if condition.op in ("in", "not_in"):
        alike = [each for each in wanted if _kind(each) is _kind(value)] if isinstance(wanted, list) else []
        return bool(alike) and (value in alike) is (condition.op == "in")
    if isinstance(wanted, list) or _kind(wanted) is not _kind(value):
        return False
    tests = {
        ">=": lambda: value >= wanted,  # type: ignore[operator]
        ">": lambda: value > wanted,  # type: ignore[operator]
        "<=": lambda: value <= wanted,  # type: ignore[operator]
        "<": lambda: value < wanted,  # type: ignore[operator]
        "==": lambda: value == wanted,
        "!=": lambda: value != wanted,
    }
    return condition.op in tests and tests[condition.op]()


def _slowly(table: SegmentTable, context: dict[str, dict[str, FeatureValue] | None]) -> str:
    if not any(value is not None for values in context.values() for value in (values or {}).values()):
        return table.unknown
    for rule in table.rules:
        every = all(_holds(condition, context) for condition in rule.all)
        some = not rule.any or any(_holds(condition, context) for condition in rule.any)
        if every and some and (rule.all or rule.any):
            return rule.name
    return table.default


@given(TABLES, CONTEXTS)
def test_compiled_rules_read_as_they_are_written(
    table: SegmentTable, context: dict[str, dict[str, FeatureValue] | None]
) -> None:
    assert compile(table)(context) == _slowly(table, context)


@given(TABLES)
def test_every_fault_has_a_path_and_words(table: SegmentTable) -> None:
    for path, message in validate(table, {"v": {"a": "int", "b": "str"}}):
        assert path.startswith("segment")
        assert message
