"""What shoppers of a past log did: CSV with a header, or JSON lines, a row for each visit or for each shopper."""

from collections.abc import Iterable
from math import isfinite
from pathlib import Path

import numpy as np

from inference.experiment.past import PastRows
from patter.files.columns import Columns, own_columns
from patter.files.faults import invalid, no_column
from patter.files.fields import Fields
from patter.files.rows import open_table

FIELDS = ("shopper", "trials", "successes")


def visit_columns(mapping: Iterable[str]) -> Columns:
    """From `FIELD=COLUMN`. Raises ConfigError (usage) that lists the fields."""
    return own_columns(mapping, FIELDS)


def read_visits(path: Path, columns: Columns) -> PastRows:
    """The rows in the file's order. Without a column for them, a row is one trial, such as one impression.

    Raises ConfigError: file_missing, or file_invalid at file:line:field.
    """
    table = open_table(path)
    if table.columns is not None:
        for field in FIELDS:
            if (field != "trials" or field in columns.firm) and not columns.has(table.columns, field):
                raise no_column(field, columns.column(field), table.columns, path, table.header)
    places: dict[str, int] = {}
    found: list[tuple[int, float, float]] = []
    for row in table.rows:
        fields = Fields(path, columns, row)
        place = places.setdefault(fields.required("shopper", _text), len(places))
        tried = fields.optional("trials", _amount)
        found.append((place, 1.0 if tried is None else tried, fields.required("successes", _amount)))
    if len(places) < 2:
        raise invalid("two shoppers are needed to split them", path, hint="a row for each visit, or each shopper")
    shopper, x, y = zip(*found, strict=True)
    return PastRows(np.array(shopper, np.int64), np.array(x), np.array(y))


def _text(value: object) -> str:
    return str(value).strip()


def _amount(value: object) -> float:
    try:
        found = float(str(value))
    except ValueError:
        found = -1.0
    if not (isfinite(found) and found >= 0):
        raise ValueError(f"{value!r} is no amount of 0 or more")
    return found
