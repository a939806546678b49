"""Segment rules made into one function, once: it is asked for every decision."""

from collections.abc import Callable, Collection, Mapping
from operator import eq, ge, gt, le, lt
from typing import Any

from features.segments.rules import Condition, Context, Known, SegmentRule, SegmentTable
from schemas.ports import FeatureValue

_ORDER: dict[str, Callable[[Any, Any], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt, "==": eq}
_NUMBERS = (int, float)


_Test = Callable[[Context], bool]


def compile(  # noqa: A001 - `segments.compile(table)` reads as what it does
    table: SegmentTable, known_features: Known | None = None, user_views: Collection[str] | None = None
) -> Callable[[Context], str]:
    """A function from a context to its segment. It takes about a microsecond and never raises.

    `user_views` are the views about the shopper: where none of them has a value, the segment is `unknown`. By default
    these are all views that the context holds. With `known_features` a condition on a feature that is not among them
    never holds, whatever the context says.
    """
    rules = tuple((_rule(rule, known_features), rule.name) for rule in table.rules)
    default, unknown = table.default, table.unknown
    only = tuple(user_views) if user_views is not None else None

    def segment_of(context: Context) -> str:
        for view in context if only is None else only:
            values = context.get(view)
            if values and _has_value(values):
                break
        else:
            return unknown
        for test, name in rules:
            if test(context):
                return name
        return default

    return segment_of


def _has_value(values: Mapping[str, FeatureValue]) -> bool:
    for value in values.values():  # noqa: SIM110 - a generator costs as much as five conditions
        if value is not None:
            return True
    return False


def _rule(rule: SegmentRule, known: Known | None) -> _Test:
    every = tuple(_condition(condition, known) for condition in rule.all)
    some = tuple(_condition(condition, known) for condition in rule.any)
    if not every and not some:
        return _never
    if len(every) == 1 and not some:
        return every[0]
    if len(some) == 1 and not every:
        return some[0]

    def holds(context: Context) -> bool:
        for test in every:
            if not test(context):
                return False
        if not some:
            return True
        for test in some:  # noqa: SIM110 - a generator costs as much as five conditions
            if test(context):
                return True
        return False

    return holds


def _condition(condition: Condition, known: Known | None) -> _Test:
    view, _, feature = condition.feature.partition(":")
    if known is not None and feature not in known.get(view, ()):
        return _never
    op, wanted = condition.op, condition.value
    if op == "exists":
        return _exists(view, feature, wanted=wanted is not False)
    if op in ("in", "not_in"):
        return _membership(view, feature, wanted, inside=op == "in")
    if op == "!=":
        return _compared(view, feature, _unlike, wanted)
    return _compared(view, feature, _ORDER[op], wanted) if op in _ORDER else _never


def _never(context: Context) -> bool:  # noqa: ARG001
    return False


def _unlike(value: Any, wanted: Any) -> bool:
    # NaN is no value: it differs from everything, itself included.
    return bool(value == value and value != wanted)


def _exists(view: str, feature: str, *, wanted: bool) -> _Test:
    def test(context: Context) -> bool:
        values = context.get(view)
        return (values is not None and values.get(feature) is not None) is wanted

    return test


def _types(value: object) -> tuple[type, ...]:
    """The types that a value can be compared with: numbers with numbers, text with text, truth with truth."""
    return _NUMBERS if type(value) in _NUMBERS else (type(value),)


def _compared(view: str, feature: str, compare: Callable[[Any, Any], bool], wanted: Any) -> _Test:
    types = _types(wanted)
    if wanted is None or types[0] not in (int, str, bool):
        return _never

    def test(context: Context) -> bool:
        values = context.get(view)
        if values is None:
            return False
        value = values.get(feature)
        return type(value) in types and compare(value, wanted)

    return test


def _membership(view: str, feature: str, wanted: Any, *, inside: bool) -> _Test:
    if not isinstance(wanted, list | tuple) or not wanted:
        return _never
    by_type: dict[type, set[Any]] = {}
    for each in wanted:
        if isinstance(each, str | bool | int | float):
            for kind in _types(each):
                by_type.setdefault(kind, set()).add(each)

    def test(context: Context) -> bool:
        values = context.get(view)
        if values is None:
            return False
        value = values.get(feature)
        comparable = by_type.get(type(value))
        return comparable is not None and value == value and (value in comparable) is inside

    return test
