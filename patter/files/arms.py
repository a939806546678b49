"""The arms of past tests of copy: CSV with a header, or JSON lines."""

from collections.abc import Iterable
from pathlib import Path

from patter.files.columns import Columns, own_columns
from patter.files.faults import invalid, no_column
from patter.files.rows import Row, open_table
from schemas.arms import Arm

FIELDS = ("test", "group", "text", "image", "impressions", "clicks", "excluded", "segment")
_NEEDED = ("test", "group", "text", "impressions", "clicks")
_SWITCH = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


def arm_columns(mapping: Iterable[str], group: str) -> Columns:
    """From `FIELD=COLUMN` and the column of the group. Raises ConfigError (usage) that lists the fields."""
    return own_columns(mapping, FIELDS, {"group": group})


def read_arms(path: Path, columns: Columns) -> list[Arm]:
    """Every arm of the file. Without columns for them, `image` is empty, `segment` is any and nothing is excluded.

    Raises ConfigError: file_missing, or file_invalid at file:line:field.
    """
    table = open_table(path)
    if table.columns is not None:
        _check(columns, table.columns, path, table.header)
    return [_arm(row, columns, path) for row in table.rows]


def _check(columns: Columns, names: tuple[str, ...], path: Path, line: int) -> None:
    for field in FIELDS:
        if (field in _NEEDED or field in columns.firm) and not columns.has(names, field):
            raise no_column(field, columns.column(field), names, path, line)


def _arm(row: Row, columns: Columns, path: Path) -> Arm:
    def text(field: str) -> str:
        value = columns.find(row.values, field)
        found = "" if value is None else str(value).strip()
        if not found and field in _NEEDED:
            raise invalid("the value is empty", path, row.number, field)
        return found

    def count(field: str) -> int:
        found = text(field)
        if not (found.isascii() and found.isdigit()):
            raise invalid(f"{found!r} is no whole number", path, row.number, field)
        return int(found)

    shown, clicked, switch = count("impressions"), count("clicks"), text("excluded").casefold()
    if clicked > shown:
        raise invalid(f"{clicked} clicks of {shown} impressions", path, row.number, "clicks")
    if switch not in _SWITCH:
        raise invalid(f"{switch!r} is neither 0 nor 1", path, row.number, "excluded")
    return Arm(
        test=text("test"),
        group=text("group"),
        text=text("text"),
        image=text("image"),
        impressions=shown,
        clicks=clicked,
        segment=text("segment") or "any",
        excluded=_SWITCH[switch],
    )
