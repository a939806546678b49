"""What is wrong with a table of segment rules, by field, so that `patter check` can say it before anything runs."""

import re
from collections.abc import Iterable, Iterator

from features.segments.rules import OPERATORS, Condition, Known, SegmentTable
from features.views import Kind

Fault = tuple[str, str]
"""(path of the field, what is wrong with it)."""

# A segment's name is part of Kafka keys, where `|` separates, and of metric labels.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")

_COMPARABLE: dict[Kind, tuple[type, ...]] = {"str": (str,), "int": (int, float), "float": (int, float), "bool": (bool,)}
_WORDS: dict[Kind, str] = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false"}


def validate(table: SegmentTable, known: Known | None = None) -> list[Fault]:
    """Every fault of a table, in its order; empty where there is none. Paths begin with the table's own fields.

    `known` are the features that can be read, by view; without it only the form of names is judged.
    """
    return list(_faults(table, known))


def _faults(table: SegmentTable, known: Known | None) -> Iterator[Fault]:
    if not table.version:
        yield "segment_version", "is empty; it is written into every decision"
    for field, name in (("segment_default", table.default), ("segment_unknown", table.unknown)):
        if not _NAME.match(name):
            yield field, _bad_name(name)
    for number, rule in enumerate(table.rules):
        path = f"segments[{number}]"
        if not _NAME.match(rule.name):
            yield f"{path}.name", _bad_name(rule.name)
        if not rule.all and not rule.any:
            yield path, f"segment {rule.name!r} has no condition and so takes nobody; the default needs no rule"
        for part, conditions in (("all", rule.all), ("any", rule.any)):
            for index, condition in enumerate(conditions):
                yield from _condition(condition, known, f"{path}.{part}[{index}]")


def _bad_name(name: str) -> str:
    return f"{name!r} is no name: 1 to 64 letters, digits, `_`, `.` or `-`"


def _condition(condition: Condition, known: Known | None, path: str) -> Iterator[Fault]:
    view, colon, feature = condition.feature.partition(":")
    kind: Kind | None = None
    if not (view and colon and feature):
        yield f"{path}.feature", f"{condition.feature!r} is not of the form view:feature"
    elif known is not None:
        if view not in known:
            yield f"{path}.feature", f"there is no view {view!r}; there are {_listed(known)}"
        elif feature not in known[view]:
            yield f"{path}.feature", f"view {view!r} has no feature {feature!r}; it has {_listed(known[view])}"
        else:
            kind = known[view][feature]
    if condition.op not in OPERATORS:
        yield f"{path}.op", f"there is no operator {condition.op!r}; there are {_listed(OPERATORS)}"
        return
    wrong = _value(condition, kind)
    if wrong:
        yield f"{path}.value", wrong


def _value(condition: Condition, kind: Kind | None) -> str | None:
    """What is wrong with a condition's value, judged by the operator and the feature's kind where it is known."""
    value = condition.value
    if condition.op == "exists":
        return None if value is None or isinstance(value, bool) else "exists takes true (the default) or false"
    if condition.op in ("in", "not_in"):
        if not isinstance(value, list) or not value:
            return f"{condition.op} takes a list of at least one value"
        members = value
    elif isinstance(value, list):
        return f"{condition.op} takes one value; a list goes with in and not_in"
    elif value is None:
        return f"{condition.op} takes a value"
    else:
        members = [value]
    for member in members:
        if member is None or (kind is not None and type(member) not in _COMPARABLE[kind]):
            return f"{member!r} cannot be compared with {condition.feature}, which is {_WORDS[kind or 'str']}"
    if condition.op in (">=", ">", "<=", "<") and (kind == "bool" or isinstance(value, bool)):
        return "true and false have no order; use == or !="
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
