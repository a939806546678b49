"""Feature values between Feast's wire form and plain Python values that JSON can carry.

Text, numbers and booleans stay themselves; NaN is null; a time is RFC 3339 text; bytes are base64; lists, sets, maps
and structs are their JSON text.
"""

import base64
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from features.views import Kind
from schemas.ports import FeatureValue

# Bounds the memory of decoded values: about 200 bytes each, so 40 MB at most.
MEMO_ENTRIES = 200_000

_SCALARS = frozenset({"string_val", "int64_val", "int32_val", "double_val", "float_val", "bool_val"})
_TEXTS = frozenset({"json_val", "uuid_val", "time_uuid_val", "decimal_val"})

KIND_OF_DTYPE: dict[str, Kind] = {
    "STRING": "str",
    "INT32": "int",
    "INT64": "int",
    "FLOAT": "float",
    "DOUBLE": "float",
    "BOOL": "bool",
}
"""Feast's value types that have a kind; all others reach a rule as text."""


def normalise(value: Any) -> FeatureValue:
    """A Python value as Feast's public calls return it, as a plain value."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    return json.dumps(value, default=str, ensure_ascii=False)


def plain(value: Any) -> FeatureValue:
    """A Feast `Value` message as a plain value."""
    which = value.WhichOneof("val")
    if which is None or which == "null_val":
        return None
    if which in _SCALARS:
        scalar: FeatureValue = getattr(value, which)
        # NaN differs from itself.
        return None if scalar != scalar else scalar
    if which in _TEXTS:
        return str(getattr(value, which))
    from feast.type_map import feast_value_type_to_python_type

    return normalise(feast_value_type_to_python_type(value))


def memoised_decoder() -> Callable[[bytes], FeatureValue]:
    """A decoder of serialised `Value` messages that remembers: most features have few distinct values."""
    from feast.protos.feast.types.Value_pb2 import Value

    memo: dict[bytes, FeatureValue] = {}

    def decode(raw: bytes) -> FeatureValue:
        try:
            return memo[raw]
        except KeyError:
            if len(memo) >= MEMO_ENTRIES:
                memo.clear()
            found = memo[raw] = plain(Value.FromString(raw))
            return found

    return decode


def encoder(kind: str) -> Callable[[Any], Any]:
    """A function from a plain value to the `Value` message of a Feast type ("STRING", "INT64", ...).

    The function raises ValueError where a value is not of that type; None is null in every type.
    """
    from feast.protos.feast.types.Value_pb2 import Value

    def whole(value: Any) -> int:
        if isinstance(value, bool) or int(value) != value:
            raise ValueError(f"{value!r} is no whole number")
        return int(value)

    def number(value: Any) -> float:
        if isinstance(value, bool | str):
            raise ValueError(f"{value!r} is no number")
        return float(value)

    def text(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is no text")
        return value

    def truth(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is neither true nor false")
        return value

    forms: dict[str, Callable[[Any], Any]] = {
        "STRING": lambda value: Value(string_val=text(value)),
        "INT64": lambda value: Value(int64_val=whole(value)),
        "INT32": lambda value: Value(int32_val=whole(value)),
        "DOUBLE": lambda value: Value(double_val=number(value)),
        "FLOAT": lambda value: Value(float_val=number(value)),
        "BOOL": lambda value: Value(bool_val=truth(value)),
    }
    if kind not in forms:
        raise ValueError(f"features of Feast type {kind} cannot be written by Patter")
    form = forms[kind]
    null = Value()
    return lambda value: null if value is None else form(value)
