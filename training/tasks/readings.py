"""Files of products and of labelled texts, one record a line, as `patter train` and `patter evaluate` leave them."""

from pathlib import Path
from typing import TypeVar

import msgspec

from schemas.catalog import Product
from schemas.errors import Code, ConfigError
from schemas.labelled import LabelledText

T = TypeVar("T")


def read_products(path: Path) -> list[Product]:
    """The products. Raises ConfigError (file_missing; file_invalid with file:line)."""
    return _records(path, Product)


def read_texts(path: Path | None) -> list[LabelledText]:
    """The labelled texts; none without a file. Raises ConfigError (file_missing; file_invalid with file:line)."""
    return [] if path is None else _records(path, LabelledText)


def _records(path: Path, kind: type[T]) -> list[T]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(Code.FILE_MISSING, error.strerror or "cannot be read", where=str(path)) from None
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(msgspec.json.decode(line, type=kind))
        except msgspec.DecodeError as error:
            raise ConfigError(Code.FILE_INVALID, str(error), where=f"{path}:{number}") from None
    return found
