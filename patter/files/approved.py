"""Approved copy for training: texts that a shop has used, each with its product."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from inference.generate.channels import LIMITS
from patter.files import cells
from patter.files.columns import FieldMap, FileKind
from patter.files.faults import no_column
from patter.files.fields import Fields
from patter.files.products import read_product
from patter.files.rows import Row
from patter.files.sifted import sifted_rows
from schemas.approved import ApprovedCopy, RejectedRow
from schemas.catalog import Product
from schemas.errors import ConfigError

STAGE = "read"
_COUNTS = ("impressions", "clicks", "orders")


class Reading(Struct, frozen=True):
    """What came of the files: texts, and the rows that were left out."""

    copies: list[ApprovedCopy]
    rejected: list[RejectedRow]


def read_approved(
    path: Path, catalogue: Path | None, mapping: FieldMap | None = None, default_currency: str | None = None
) -> Reading:
    """The texts of a file (CSV or JSON lines, `.gz` allowed).

    A row's product stands in its own columns, or, by its product_id, in the catalogue. Bad rows of both files are told
    and left out. Raises ConfigError where a file cannot be read at all or has no column for what it must hold.
    """
    mapping = mapping or FieldMap()
    known: dict[str, Product] = {}
    rejected: list[RejectedRow] = []
    if catalogue is not None:
        for row in _rows(catalogue, mapping, (("catalog", "product_id"), ("catalog", "name")), rejected):
            try:
                product = read_product(Fields(catalogue, mapping.of("catalog"), row), default_currency)
                known.setdefault(product.product_id, product)
            except ConfigError as error:
                rejected.append(_rejected(catalogue, row.number, error, row.values))
    copies = []
    for row in _rows(path, mapping, (("copy", "text"),), rejected):
        try:
            copies.append(_copy(path, row, mapping, known, default_currency))
        except ConfigError as error:
            rejected.append(_rejected(path, row.number, error, row.values))
    return Reading(copies, rejected)


def _rows(
    path: Path, mapping: FieldMap, needed: tuple[tuple[FileKind, str], ...], rejected: list[RejectedRow]
) -> list[Row]:
    header, found = sifted_rows(path)
    for kind, field in needed:
        columns = mapping.of(kind)
        if header is not None and not columns.has(header, field):
            raise no_column(field, columns.column(field), header, path, 1)
    rows = []
    for each in found:
        if isinstance(each, Row):
            rows.append(each)
        else:
            error, raw = each
            rejected.append(_rejected(path, _line(error), error, {"raw": raw}))
    return rows


def _copy(
    path: Path, row: Row, mapping: FieldMap, known: Mapping[str, Product], default_currency: str | None
) -> ApprovedCopy:
    product = _product(Fields(path, mapping.of("catalog"), row), known, default_currency)
    fields = Fields(path, mapping.of("copy"), row)
    words = {field: fields.optional(field, cells.text) for field in ("segment", "tone", "cta", "channel")}
    if (channel := words["channel"]) is not None and channel not in LIMITS:
        raise fields.bad("channel", f"{channel!r} is no channel", f"there are {', '.join(LIMITS)}")
    counts = {field: fields.optional(field, _count) for field in _COUNTS}
    moment = row.values.get("time")
    return ApprovedCopy(
        product=product,
        text=fields.required("text", _line_of_text),
        time=None if moment in (None, "") else str(moment),
        file=str(path),
        line=row.number,
        row=row.values,
        **{field: value for field, value in {**words, **counts}.items() if value is not None},  # type: ignore[arg-type]
    )


def _product(fields: Fields, known: Mapping[str, Product], default_currency: str | None) -> Product:
    """The catalogue's product, or else the row's own; one without an id is called by its name."""
    identity, name = fields.optional("product_id", cells.identifier), fields.optional("name", cells.text)
    if identity is None and name is None:
        raise fields.bad("product_id", "the row names no product", "fill in product_id, or the product's columns")
    if identity is not None and identity in known:
        return known[identity]
    if name is None:
        hint = "give the catalogue with --catalog, or the product's columns beside the text"
        raise fields.bad("product_id", f"the product {identity!r} is not known", hint)
    if identity is None:
        values = {**fields.row.values, fields.columns.column("product_id"): name}
        fields = Fields(fields.path, fields.columns, Row(fields.row.number, values))
    return read_product(fields, default_currency)


def _line_of_text(value: object) -> str:
    return " ".join(cells.text(value).split())


def _count(value: object) -> int:
    found = cells.whole(value)
    if found < 0:
        raise ValueError(f"{found} is below zero")
    return found


def _rejected(path: Path, line: int, error: ConfigError, row: dict[str, Any]) -> RejectedRow:
    field = error.where.removeprefix(f"{path}:{line}").removeprefix(":")
    return RejectedRow(stage=STAGE, file=str(path), line=line, field=field, reason=error.what, row=row)


def _line(error: ConfigError) -> int:
    number = error.where.rpartition(":")[2]
    return int(number) if number.isdigit() else 0
