"""The file of shoppers: what the shop knows of each, as Feast's user_profile keeps it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from patter.files import cells
from patter.files.amounts import currency_code, price_minor
from patter.files.columns import FieldMap
from patter.files.faults import invalid, no_column
from patter.files.fields import Fields
from patter.files.rows import open_table
from schemas.ids import MAX_ID_CHARS

Profile = dict[str, str | int | float | None]

_CONVERT: Mapping[str, Callable[[object], str | int | float]] = {
    "segment_hint": cells.text,
    "favourite_category": cells.text,
    "orders_90d": cells.whole,
    "days_since_order": cells.whole,
    "discount_share": cells.share,
    "loyalty_tier": cells.text,
    "locale": cells.text,
    "signup_days": cells.whole,
}


def read_shoppers(
    path: Path, mapping: FieldMap | None = None, default_currency: str | None = None
) -> Iterator[Profile]:
    """One dict for each shopper: user_id and every column of user_profile, None where it is not known.

    `avg_order` is an amount with its currency, in the cell, in the column `currency`, or `default_currency`; it becomes
    `avg_order_minor`. Columns that Patter does not know are ignored.

    Raises ConfigError (file_missing; file_invalid with file:line:field, also where one stands twice).
    """
    columns = (mapping or FieldMap()).of("users")
    table = open_table(path)
    if table.columns is not None and not columns.has(table.columns, "user_id"):
        raise no_column("user_id", columns.column("user_id"), table.columns, path, table.header)
    first: dict[str, int] = {}
    for row in table.rows:
        profile = _profile(Fields(path, columns, row), default_currency)
        user_id = str(profile["user_id"])
        line = first.setdefault(user_id, row.number)
        if line != row.number:
            what = f"the shopper {user_id!r} stands in lines {line} and {row.number}"
            raise invalid(what, path, row.number, columns.column("user_id"), "keep one of them")
        yield profile
    if not first:
        raise invalid("the file has no shoppers", path, hint="one row for each shopper is expected")


def _profile(fields: Fields, default_currency: str | None) -> Profile:
    user_id = fields.required("user_id", cells.identifier)
    if len(user_id) > MAX_ID_CHARS:
        raise fields.bad("user_id", f"the id has {len(user_id)} characters; at most {MAX_ID_CHARS} are read")
    profile: Profile = {"user_id": user_id, **{name: fields.optional(name, read) for name, read in _CONVERT.items()}}
    for name in ("orders_90d", "days_since_order", "signup_days"):
        value = profile[name]
        if isinstance(value, int) and value < 0:
            raise fields.bad(name, f"{value} is below zero")
    currency = fields.optional("currency", currency_code)
    minor = fields.optional("avg_order_minor", cells.whole)
    if minor is None:
        amount = fields.optional("avg_order", lambda value: price_minor(value, currency, default_currency))
        minor, currency = amount if amount is not None else (None, currency)
    elif minor < 0:
        raise fields.bad("avg_order_minor", f"{minor} is below zero")
    return {**profile, "avg_order_minor": minor, "currency": currency}
