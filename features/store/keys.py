"""Entity keys: which ids can be asked for, and how Feast's online stores spell them.

The byte form is Feast's entity key serialisation, version 3: little-endian uint32 count of keys, then for the key
column its type (STRING = 2), length and name, then the value's type, length and bytes.
"""

import struct
from collections.abc import Callable
from typing import Any

from features.store.plan import ViewPlan

_STRING, _INT32, _INT64 = 2, 3, 4
_LIMITS = {"INT32": 2**31, "INT64": 2**63}


def sound(key: object) -> bool:
    """Whether an id can be asked for. One null, empty or unencodable key would fail Feast's whole batch."""
    if type(key) is not str or not key:
        return False
    if key.isascii():
        return True
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole_number(key: str, key_type: str) -> int | None:
    """The id as the number that an INT entity is keyed by; None where it is none, and so is in no store."""
    # Only the canonical spelling: "05" and "+5" are other shoppers than "5", or none.
    try:
        number = int(key)
    except ValueError:
        return None
    limit = _LIMITS[key_type]
    return number if str(number) == key and -limit <= number < limit else None


def key_encoder(plan: ViewPlan) -> Callable[[str], bytes | None]:
    """The function from an id to the view's entity key in bytes; None where the id can be in no row."""
    column = plan.stored_key.encode()
    head = struct.pack("<III", 1, _STRING, len(column)) + column
    size = struct.Struct("<I").pack
    if plan.key_type == "STRING":
        text_head = head + size(_STRING)

        def text(key: str) -> bytes:
            raw = key.encode()
            return text_head + size(len(raw)) + raw

        return text
    code, form, width = (_INT64, "<q", 8) if plan.key_type == "INT64" else (_INT32, "<i", 4)
    number_head = head + size(code) + size(width)

    def numeric(key: str) -> bytes | None:
        number = whole_number(key, plan.key_type)
        return None if number is None else number_head + struct.pack(form, number)

    return numeric


def key_message(plan: ViewPlan, key: str) -> Any | None:
    """The id as Feast's `EntityKey` message; None where the id can be in no row."""
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    if plan.key_type == "STRING":
        value = Value(string_val=key)
    else:
        number = whole_number(key, plan.key_type)
        if number is None:
            return None
        value = Value(int64_val=number) if plan.key_type == "INT64" else Value(int32_val=number)
    return EntityKey(join_keys=[plan.stored_key], entity_values=[value])


def key_value(message: Any) -> str:
    """The id of an `EntityKey` message of one key."""
    value = message.entity_values[0]
    return str(getattr(value, value.WhichOneof("val")))
