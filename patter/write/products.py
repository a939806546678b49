"""The products that copy is wanted for: from a file, from stdin, or one from flags."""

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from patter.files import FieldMap, cells
from patter.files.amounts import price_minor
from patter.files.faults import invalid, no_column
from patter.files.fields import Fields
from patter.files.products import read_product
from patter.files.rows import Row
from patter.files.sifted import sifted_rows
from schemas.catalog import Product
from schemas.errors import Code, ConfigError

_REQUIRED = ("product_id", "name", "category")
_GZIP = b"\x1f\x8b"


class Read(Struct, frozen=True):
    """A catalogue as far as it could be read, and what was wrong with each row that could not."""

    products: list[Product]
    bad: list[ConfigError]


class OneProduct(Struct, frozen=True, kw_only=True):
    """A product as the flags give it."""

    name: str
    category: str
    price: str
    brand: str | None = None
    color: str | None = None
    material: str | None = None
    size: str | None = None
    features: tuple[str, ...] = ()
    off: str | None = None


def read_products(path: Path, mapping: FieldMap) -> Read:
    """The products of a CSV or of JSON lines. `-` is stdin.

    Raises ConfigError: file_missing, or file_invalid where the file is no table, lacks a column, or not one of its rows
    can be read.
    """
    with _seekable(path) as (file, name):
        try:
            read = _read(file, mapping)
            return Read(read.products, [_renamed(error, file, name) for error in read.bad])
        except ConfigError as error:
            raise _renamed(error, file, name) from None


def of_flags(given: OneProduct) -> Product:
    """The product of the flags. Raises ConfigError (usage) that names the flag."""
    try:
        minor, currency = price_minor(given.price, None)
    except ValueError as error:
        raise _usage(f"{error}", "--price", 'as in --price "19.99 USD"') from None
    off = None
    if given.off is not None:
        try:
            off = cells.percent(given.off)
        except ValueError as error:
            raise _usage(f"{error}", "--off", "as in --off 20%") from None
    fields = {
        "product_id": re.sub(r"[^a-z0-9]+", "-", given.name.casefold()).strip("-") or "product",
        "price_minor": minor,
        "currency": currency,
        "discount_percent": off,
        "features": list(given.features),
        **{name: getattr(given, name) for name in ("name", "category", "brand", "color", "material", "size")},
    }
    try:
        return msgspec.convert({name: value for name, value in fields.items() if value is not None}, Product)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        flag = {"discount_percent": "off"}.get(place.rstrip("`"), place.rstrip("`"))
        raise _usage(what, f"--{flag}", "change it") from None


def _read(path: Path, mapping: FieldMap) -> Read:
    columns = mapping.of("catalog")
    header, rows = sifted_rows(path)
    if header is not None:
        for field in _REQUIRED:
            if not columns.has(header, field):
                raise no_column(field, columns.column(field), header, path, 1)
        if not columns.has(header, "price") and not columns.has(header, "price_minor"):
            raise no_column("price", columns.column("price"), header, path, 1)
    products: dict[str, Product] = {}
    lines: dict[str, int] = {}
    bad: list[ConfigError] = []
    for row in rows:
        if not isinstance(row, Row):
            bad.append(row[0])
            continue
        try:
            product = read_product(Fields(path, columns, row), None)
        except ConfigError as error:
            bad.append(error)
            continue
        line = lines.setdefault(product.product_id, row.number)
        if line != row.number:
            what = f"the product {product.product_id!r} stands in lines {line} and {row.number}"
            bad.append(invalid(what, path, row.number, "product_id", "keep one of them"))
        else:
            products[product.product_id] = product
    if not products:
        # The first bad row says more than that there are none.
        raise bad[0] if bad else invalid("the file has no products", path, hint="one row for each product is expected")
    return Read(list(products.values()), bad)


@contextmanager
def _seekable(path: Path) -> Iterator[tuple[Path, str]]:
    """A file that can be read twice, and its name for people. Stdin becomes one; so does a pipe."""
    if str(path) != "-" and not path.is_fifo():
        yield path, str(path)
        return
    source: BinaryIO = sys.stdin.buffer
    data = source.read() if str(path) == "-" else path.read_bytes()
    with tempfile.TemporaryDirectory(prefix="patter-write-") as folder:
        file = Path(folder) / ("stdin.gz" if data.startswith(_GZIP) else "stdin")
        file.write_bytes(data)
        yield file, "stdin" if str(path) == "-" else str(path)


def _renamed(error: ConfigError, file: Path, name: str) -> ConfigError:
    return ConfigError(error.code, error.what, where=error.where.replace(str(file), name), hint=error.hint)


def _usage(what: str, flag: str, hint: str) -> ConfigError:
    return ConfigError(Code.USAGE, what, where=flag, hint=hint)
