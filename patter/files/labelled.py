"""What shoppers said, each with its intent, and the products that typed tasks are made of."""

from collections.abc import Iterable
from pathlib import Path

from patter.files import cells
from patter.files.columns import Columns, FieldMap
from patter.files.faults import no_column
from patter.files.fields import Fields
from patter.files.products import read_product
from patter.files.rows import Row
from patter.files.sifted import sifted_rows
from schemas.catalog import Product
from schemas.errors import Code, ConfigError
from schemas.labelled import LabelledText

FIELDS = ("text", "intent", "kind")
_PREFIX = "intents."


def own_mapping(mapping: Iterable[str]) -> tuple[Columns, list[str]]:
    """(columns of labelled texts, the mappings of other files): the former are written `intents.FIELD=COLUMN`.

    Raises ConfigError (usage) that lists the fields.
    """
    names: dict[str, str] = {}
    others: list[str] = []
    for text in mapping:
        if not text.startswith(_PREFIX):
            others.append(text)
            continue
        field, sign, column = (part.strip() for part in text.removeprefix(_PREFIX).partition("="))
        if not sign or not column or field not in FIELDS:
            what, hint = f"{text!r} is no intents.FIELD=COLUMN", f"fields: {', '.join(FIELDS)}"
            raise ConfigError(Code.USAGE, what, where="--map", hint=hint)
        names[field] = column
    return Columns(names, frozenset(names)), others


def read_labelled(path: Path, columns: Columns) -> tuple[list[LabelledText], int]:
    """(the texts, how many rows were left out: unreadable, or without a text or an intent).

    Columns: text, intent, and kind where there is one (a category of goods). Raises ConfigError: file_missing, or
    file_invalid where a column is missing or no row is left.
    """
    header, rows = sifted_rows(path)
    for field in FIELDS:
        needed = field in columns.firm or field != "kind"
        if header is not None and needed and not columns.has(header, field):
            raise no_column(field, columns.column(field), header, path, 1)
    found: list[LabelledText] = []
    left_out = 0
    for row in rows:
        text = _labelled(Fields(path, columns, row)) if isinstance(row, Row) else None
        if text is None:
            left_out += 1
        else:
            found.append(text)
    if not found:
        what, hint = "the file holds no text with an intent", "one row for each text is expected"
        raise ConfigError(Code.FILE_INVALID, what, where=str(path), hint=hint)
    return found, left_out


def good_products(path: Path, mapping: FieldMap, currency: str | None) -> list[Product]:
    """The products of a catalogue whose rows can be read, the first of each id. Bad rows are told elsewhere.

    Raises ConfigError as `patter.files.sifted.sifted_rows` does.
    """
    columns, found = mapping.of("catalog"), dict[str, Product]()
    for row in sifted_rows(path)[1]:
        if isinstance(row, Row):
            try:
                product = read_product(Fields(path, columns, row), currency)
            except ConfigError:
                continue
            found.setdefault(product.product_id, product)
    return list(found.values())


def _labelled(fields: Fields) -> LabelledText | None:
    text, intent = fields.optional("text", cells.text), fields.optional("intent", cells.text)
    if not text or not intent:
        return None
    return LabelledText(text=" ".join(text.split()), intent=intent, kind=fields.optional("kind", cells.text))
