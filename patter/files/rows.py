"""Rows of a file, CSV or JSON lines: which of the two it is, its columns, and each row with its line's number."""

import csv
from collections.abc import Iterator
from pathlib import Path

import orjson
from msgspec import Struct

from patter.files.faults import invalid
from patter.files.lines import BOM, ONE_OBJECT, byte_lines, text_lines

_JSON_NAMES = frozenset({"json", "jsonl", "ndjson"})
_TYPES: dict[type, str] = {list: "array", str: "string", int: "number", float: "number", bool: "boolean"}


class Row(Struct, frozen=True):
    """One record of a file: the number of the line that it begins on, and its values by column."""

    number: int
    values: dict[str, object]


class Table(Struct, frozen=True):
    """A file as rows. `columns` is a CSV's header, `header` the number of its line; of JSON lines each has its own."""

    rows: Iterator[Row]
    columns: tuple[str, ...] | None = None
    header: int = 0


def is_csv(path: Path, first: bytes) -> bool:
    """Whether a file is CSV: by what its first line begins with, and by its name where that says nothing."""
    if first.removeprefix(BOM).lstrip()[:1] in (b"{", b"["):
        return False
    return path.name.removesuffix(".gz").rpartition(".")[2].casefold() not in _JSON_NAMES


def first_line(path: Path) -> bytes:
    """The first line that holds anything. Raises ConfigError as `byte_lines` does, and where there is none."""
    for _, line in byte_lines(path):
        if line.removeprefix(BOM).strip():
            return line
    raise invalid("the file is empty", path, hint="a CSV with a header, or JSON lines, is expected")


def open_table(path: Path) -> Table:
    """The file's rows. Raises ConfigError as `byte_lines` does, and where it is empty or no table."""
    return csv_table(path) if is_csv(path, first_line(path)) else Table(_json_rows(path))


def _json_rows(path: Path) -> Iterator[Row]:
    for number, line in text_lines(path):
        if line.strip():
            yield Row(number, json_object(line, path, number))


def json_object(line: str | bytes, path: Path, number: int) -> dict[str, object]:
    """A line's JSON object. Raises ConfigError (file_invalid) where it is none."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise invalid(f"not JSON: {error}", path, number, hint=ONE_OBJECT) from None
    if not isinstance(value, dict):
        raise invalid(f"a JSON {_TYPES.get(type(value), 'value')}, no object", path, number, hint=ONE_OBJECT)
    return value


def csv_table(path: Path) -> Table:
    """The rows of a file that is CSV."""
    lines = _Numbered(path)
    line = next(line for line in lines if line.strip())
    # Spreadsheets of countries with a decimal comma write semicolons.
    delimiter = max(",;\t", key=line.count)
    number = lines.number
    names = [name.strip() for name in _parsed(csv.reader([line], delimiter=delimiter, strict=True), path, lines)]
    for name in names:
        if name and names.count(name) > 1:
            raise invalid(f"the column {name!r} stands twice in the header", path, number, hint="rename one of them")
    return Table(_csv_rows(lines, delimiter, names, path), tuple(names), number)


def _csv_rows(lines: "_Numbered", delimiter: str, names: list[str], path: Path) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.began = None
        try:
            cells = _parsed(reader, path, lines)
        except StopIteration:
            return
        number = lines.began or lines.number
        if not cells:
            continue
        if len(cells) != len(names):
            raise invalid(
                f"{len(cells)} cells where the header has {len(names)}",
                path,
                number,
                hint=f"a cell that holds {delimiter!r} stands in double quotes",
            )
        yield Row(number, {name: cell for name, cell in zip(names, cells, strict=True) if name})


def _parsed(reader: Iterator[list[str]], path: Path, lines: "_Numbered") -> list[str]:
    try:
        return next(reader)
    except csv.Error as error:
        raise invalid(f"no CSV: {error}", path, lines.number, hint="look at the quotes and line ends") from None


class _Numbered:
    """Text lines as `csv` wants them. `number` is that of the last one, `began` of the first since it was unset."""

    def __init__(self, path: Path) -> None:
        self._lines = text_lines(path)
        self.number = 0
        self.began: int | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number, line = next(self._lines)
        if self.began is None:
            self.began = self.number
        return line + "\n"
