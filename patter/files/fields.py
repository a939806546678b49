"""Fields of one row, read and converted; what is wrong with a cell is said with its file, line and column."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from patter.files.cells import present
from patter.files.columns import Columns
from patter.files.faults import invalid, no_column
from patter.files.rows import Row
from schemas.errors import ConfigError

T = TypeVar("T")


class Fields(Struct, frozen=True):
    """One row of one file."""

    path: Path
    columns: Columns
    row: Row

    def required(self, field: str, convert: Callable[[object], T], hint: str = "mend the cell") -> T:
        """The field's value. Raises ConfigError where it is missing, empty, or `convert` raises ValueError."""
        value = self.columns.find(self.row.values, field)
        if value is None:
            raise no_column(field, self.columns.column(field), self.row.values, self.path, self.row.number)
        if present(value) is None:
            raise self.bad(field, f"the {field} is empty", "fill it in")
        return self._converted(field, value, convert, hint)

    def optional(self, field: str, convert: Callable[[object], T]) -> T | None:
        """The field's value, or None where it is missing or empty. Raises ConfigError where it cannot be read."""
        value = present(self.columns.find(self.row.values, field))
        return None if value is None else self._converted(field, value, convert, "mend the cell, or leave it empty")

    def bad(self, field: str, what: str, hint: str = "mend the cell") -> ConfigError:
        """The error for this field of this row."""
        return invalid(what, self.path, self.row.number, self.columns.column(field), hint)

    def _converted(self, field: str, value: object, convert: Callable[[object], T], hint: str) -> T:
        try:
            return convert(value)
        except ValueError as error:
            raise self.bad(field, str(error), hint) from None
