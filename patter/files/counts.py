"""Counts of experiments' arms: CSV with a header, or JSON lines, an arm a row."""

from collections.abc import Iterable
from math import isfinite
from pathlib import Path

from msgspec import Struct

from patter.files.columns import Columns, own_columns
from patter.files.faults import invalid, no_column
from patter.files.fields import Fields
from patter.files.rows import open_table

FIELDS = ("experiment", "arm", "n", "expected_share", "source", "by")


class ArmCount(Struct, frozen=True, kw_only=True):
    """One arm's units (of one source, where the file tells). `share` None: equal shares; `by` sorts experiments."""

    experiment: str
    arm: str
    n: int
    share: float | None
    source: str
    by: str
    line: int


def count_columns(mapping: Iterable[str], by: str | None) -> Columns:
    """From `FIELD=COLUMN` and the column that sorts experiments. Raises ConfigError (usage) that lists the fields."""
    return own_columns(mapping, FIELDS, {} if by is None else {"by": by})


def read_counts(path: Path, columns: Columns) -> list[ArmCount]:
    """Every row. Without a column for it the share is None (equal ones), and source and `by` are empty.

    Raises ConfigError: file_missing, or file_invalid at file:line:field.
    """
    table = open_table(path)
    if table.columns is not None:
        for field in FIELDS:
            if (field in FIELDS[:3] or field in columns.firm) and not columns.has(table.columns, field):
                raise no_column(field, columns.column(field), table.columns, path, table.header)
    return [_count(Fields(path, columns, row)) for row in table.rows]


def shares(path: Path, rows: list[ArmCount]) -> tuple[float, ...]:
    """The expected shares of one experiment's (or source's) rows, in their order.

    Equal ones where none is given. Raises ConfigError (file_invalid): some rows have one and some do not, or they do
    not sum to 1.
    """
    given = [row.share for row in rows if row.share is not None]
    if not given:
        return (1 / len(rows),) * len(rows)
    if len(given) < len(rows) or abs(sum(given) - 1) > 1e-6:
        what = f"expected shares of {rows[0].experiment} sum to {sum(given):g} over {len(given)} of {len(rows)} arms"
        raise invalid(what, path, rows[0].line, "expected_share", "one for each arm, 1 in sum, or none at all")
    return tuple(given)


def _count(fields: Fields) -> ArmCount:
    return ArmCount(
        experiment=fields.required("experiment", _text),
        arm=fields.required("arm", _text),
        n=fields.required("n", _whole, "units of this arm, such as shoppers"),
        share=fields.optional("expected_share", _share),
        source=fields.optional("source", _text) or "",
        by=fields.optional("by", _text) or "",
        line=fields.row.number,
    )


def _text(value: object) -> str:
    return str(value).strip()


def _whole(value: object) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def _share(value: object) -> float:
    try:
        found = float(str(value))
    except ValueError:
        found = -1.0
    if not (isfinite(found) and 0 <= found <= 1):
        raise ValueError(f"{value!r} is no share between 0 and 1")
    return found
