"""The catalogue file: products, one a row."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from patter.files import cells
from patter.files.amounts import currency_code, price_minor
from patter.files.columns import FieldMap
from patter.files.faults import invalid, no_column
from patter.files.fields import Fields
from patter.files.rows import open_table
from schemas.catalog import Product

_REQUIRED = ("product_id", "name", "category")
_OPTIONAL: Mapping[str, Callable[[object], object]] = {
    "brand": cells.text,
    "description": cells.text,
    "features": cells.items,
    "material": cells.text,
    "color": cells.text,
    "size": cells.text,
    "discount_percent": cells.percent,
    "stock": cells.whole,
    "margin_share": cells.share,
    "rating": cells.number,
    "gtin": cells.identifier,
    "item_group_id": cells.identifier,
    "url": cells.text,
    "asset_ids": cells.items,
}
_READ = frozenset({*_REQUIRED, "price", "price_minor", "currency", "extra", *_OPTIONAL})
_CURRENCY_HINT = "write 19.99 USD, add a column `currency`, or give it with `--map currency==USD`"


def read_catalogue(
    path: Path, mapping: FieldMap | None = None, default_currency: str | None = None
) -> Iterator[Product]:
    """The products of a file. Columns: product_id, name, category, and price or price_minor, with a currency in the
    price, in the column `currency`, or else `default_currency`; the optional ones of `Product`. Others go to `extra`.

    Raises ConfigError (file_missing; file_invalid with file:line:field, also where an id stands twice or none at all).
    """
    columns = (mapping or FieldMap()).of("catalog")
    table = open_table(path)
    if table.columns is not None:
        for field in _REQUIRED:
            if not columns.has(table.columns, field):
                raise no_column(field, columns.column(field), table.columns, path, table.header)
        if not columns.has(table.columns, "price") and not columns.has(table.columns, "price_minor"):
            raise no_column("price", columns.column("price"), table.columns, path, table.header)
    first: dict[str, int] = {}
    for row in table.rows:
        product = read_product(Fields(path, columns, row), default_currency)
        line = first.setdefault(product.product_id, row.number)
        if line != row.number:
            what = f"the product {product.product_id!r} stands in lines {line} and {row.number}"
            raise invalid(what, path, row.number, "product_id", "keep one of them")
        yield product
    if not first:
        raise invalid("the file has no products", path, hint="one row for each product is expected")


def read_product(fields: Fields, default_currency: str | None) -> Product:
    """The product of one row. Raises ConfigError (file_invalid) that names the field."""
    found: dict[str, object] = {
        "product_id": fields.required("product_id", cells.identifier),
        "name": fields.required("name", cells.text),
        "category": fields.required("category", cells.text),
    }
    found["price_minor"], found["currency"] = _price(fields, default_currency)
    for field, convert in _OPTIONAL.items():
        value = fields.optional(field, convert)
        if value is not None:
            found[field] = value
    found["extra"] = {**(fields.optional("extra", cells.kept_all) or {}), **_unread(fields)}
    try:
        return msgspec.convert(found, Product)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        raise fields.bad(place.rstrip("`"), what) from None


def _unread(fields: Fields) -> dict[str, str]:
    used = {fields.columns.column(field) for field in _READ}
    return {
        name: cells.kept(value)
        for name, value in fields.row.values.items()
        if name not in used and value not in (None, "")
    }


def _price(fields: Fields, default: str | None) -> tuple[int, str]:
    currency = fields.optional("currency", currency_code)
    minor = fields.optional("price_minor", cells.whole)
    if minor is None or fields.optional("price", cells.kept) is not None:
        return fields.required("price", lambda value: price_minor(value, currency, default), _CURRENCY_HINT)
    if minor < 0:
        raise fields.bad("price_minor", f"the price is negative: {minor}", "mend it")
    if currency is None and default is None:
        raise fields.bad("price_minor", "the price has no currency", _CURRENCY_HINT)
    return minor, currency or default or ""
