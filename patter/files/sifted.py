"""Rows of a file whose bad ones are told and passed over, where the others are wanted all the same."""

import csv
from collections.abc import Iterator
from pathlib import Path

from patter.files.faults import invalid
from patter.files.lines import BOM, byte_lines
from patter.files.rows import Row, first_line, is_csv, json_object
from schemas.errors import ConfigError

Sifted = Row | tuple[ConfigError, str]
"""A row, or what is wrong with a line and the line as far as it reads."""


def sifted_rows(path: Path) -> tuple[tuple[str, ...] | None, Iterator[Sifted]]:
    """(a CSV's header or None for JSON lines, the rows in their order).

    Raises ConfigError where there is no file, it is empty, its compression is damaged, or a CSV's header is none.
    """
    if not is_csv(path, first_line(path)):
        return None, _json_rows(path)
    lines = _Lines(path)
    line = next(line for line in lines if line.strip())
    delimiter = max(",;\t", key=line.count)
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter))]
    for name in names:
        if name and names.count(name) > 1:
            raise invalid(f"the column {name!r} stands twice in the header", path, lines.number, hint="rename one")
    return tuple(names), _csv_rows(lines, delimiter, names, path)


def _json_rows(path: Path) -> Iterator[Sifted]:
    for number, line in byte_lines(path):
        text, fault = _decoded(line, path, number)
        if fault is not None:
            yield fault, text
        elif text.strip():
            try:
                yield Row(number, json_object(text, path, number))
            except ConfigError as error:
                yield error, text


def _csv_rows(lines: "_Lines", delimiter: str, names: list[str], path: Path) -> Iterator[Sifted]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.taken.clear()
        fault: ConfigError | None = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, fault = [], invalid(f"no CSV: {error}", path, lines.began, hint="look at the quotes and line ends")
        # Bytes that are not UTF-8 matter only where a row was read.
        fault = fault or lines.fault()
        if fault is None and cells and len(cells) != len(names):
            what, hint = (
                f"{len(cells)} cells where the header has {len(names)}",
                f"quote a cell that holds {delimiter!r}",
            )
            fault = invalid(what, path, lines.began, hint=hint)
        if fault is not None:
            yield fault, "".join(lines.taken).rstrip("\n")
        elif cells:
            yield Row(lines.began, {name: cell for name, cell in zip(names, cells, strict=True) if name})


class _Lines:
    """Text lines as `csv` wants them. `taken` are those since it was cleared, `began` is the number of the first."""

    def __init__(self, path: Path) -> None:
        self._path, self._lines = path, byte_lines(path)
        self.number = self.began = 0
        self.taken: list[str] = []
        self._faults: dict[int, ConfigError] = {}

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number, line = next(self._lines)
        text, fault = _decoded(line, self._path, self.number)
        if not self.taken:
            self.began, self._faults = self.number, {}
        if fault is not None:
            self._faults[self.number] = fault
        self.taken.append(text + "\n")
        return text + "\n"

    def fault(self) -> ConfigError | None:
        """What was wrong with the first line taken that was not UTF-8."""
        return next(iter(self._faults.values()), None)


def _decoded(line: bytes, path: Path, number: int) -> tuple[str, ConfigError | None]:
    data = line.removeprefix(BOM) if number == 1 else line
    try:
        return data.decode().removesuffix("\r"), None
    except UnicodeDecodeError as error:
        what = f"byte {error.start + 1} of the line (0x{data[error.start]:02x}) is not UTF-8"
        fault = invalid(what, path, number, hint="save the file as UTF-8")
        return data.decode(errors="backslashreplace").removesuffix("\r"), fault
