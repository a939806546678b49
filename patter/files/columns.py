"""Which column holds which field: `--map FIELD=COLUMN`, for all three files at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import fields

from schemas.catalog import Product
from schemas.errors import Code, ConfigError
from schemas.events import Event
from streams.intake.mapping import walk

FileKind = Literal["catalog", "users", "events", "copy"]

FIELDS: Mapping[str, tuple[str, ...]] = {
    "catalog": ("price", *(field.name for field in fields(Product) if field.name != "extra")),
    "users": (
        "user_id",
        "segment_hint",
        "favourite_category",
        "orders_90d",
        "days_since_order",
        "avg_order",
        "avg_order_minor",
        "currency",
        "discount_share",
        "loyalty_tier",
        "locale",
        "signup_days",
    ),
    "events": ("kind", *dict.fromkeys(field.name for kind in Event.__args__ for field in fields(kind))),
    # Of approved copy; its product's columns are those of the catalogue.
    "copy": ("segment", "tone", "cta", "channel", "text", "impressions", "clicks", "orders"),
}
"""What each file may hold."""

# Events may carry a price too, but nobody maps that one: without a file's name these mean the catalogue.
_CATALOGUE_ONLY = frozenset({"price", "price_minor"})


class Columns(Struct, frozen=True):
    """One file's columns. `firm` are fields whose column was named for this file alone: it has to be there."""

    names: Mapping[str, str] = {}
    firm: frozenset[str] = frozenset()

    def column(self, field: str) -> str:
        """The column that holds a field: the mapped one, or the field's own name."""
        return self.names.get(field, field)

    def find(self, values: Mapping[str, object], field: str) -> object:
        """A field's value in a row, or None. A mapped column may be a dotted path, or `=` and a literal."""
        column = self.names.get(field)
        if column is None:
            return values.get(field)
        if column in values:
            return values[column]
        found = walk(values, column)
        # A name given for all files need not fit each of them.
        return values.get(field) if found is None and field not in self.firm else found

    def has(self, columns: Iterable[str], field: str) -> bool:
        """Whether a header has a column for this field."""
        column = self.column(field)
        known = set(columns)
        return column.startswith("=") or column in known or (field not in self.firm and field in known)


def own_columns(mapping: Iterable[str], fields: Sequence[str], named: Mapping[str, str] | None = None) -> Columns:
    """Columns of a file that has its own fields, from `FIELD=COLUMN`; `named` are those that an option of their own
    names. Raises ConfigError (usage) that lists the fields.
    """
    names = dict(named or {})
    for text in mapping:
        field, sign, column = (part.strip() for part in text.partition("="))
        if not sign or not column or field not in fields:
            hint = f"FIELD=COLUMN; fields: {', '.join(fields)}"
            raise ConfigError(Code.USAGE, f"{text!r} names no field and column", where="--map", hint=hint)
        if names.get(field, column) != column or (field in names and field not in (named or {})):
            raise ConfigError(Code.USAGE, f"{field} is mapped twice", where="--map", hint="once is enough")
        names[field] = column
    return Columns(names, frozenset(names))


class FieldMap(Struct, frozen=True):
    """Every mapping that the user gave: (file or "" for all, field) -> column."""

    columns: Mapping[tuple[str, str], str] = {}

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "FieldMap":
        """From `FIELD=COLUMN` or `FILE.FIELD=COLUMN` (FILE: catalog, users, events, copy).

        COLUMN may be a dotted path into JSON (`item.sku`), or `=VALUE` for a value that stands in no column
        (`currency==EUR`). Raises ConfigError (usage) that lists the fields.
        """
        found: dict[tuple[str, str], str] = {}
        for text in texts:
            left, sign, column = text.partition("=")
            file, dot, field = left.strip().rpartition(".")
            if not sign or not column.strip():
                raise ConfigError(Code.USAGE, f"{text!r} is no FIELD=COLUMN", where="--map", hint="as in price=preis")
            if dot and file not in FIELDS:
                raise ConfigError(
                    Code.USAGE, f"{file!r} is no file", where=f"--map {text}", hint=f"there are {', '.join(FIELDS)}"
                )
            if not any(field in FIELDS[kind] for kind in ((file,) if file else FIELDS)):
                raise ConfigError(Code.USAGE, f"there is no field {field!r}", where=f"--map {text}", hint=_listed(file))
            if (file, field) in found:
                raise ConfigError(Code.USAGE, f"{left.strip()} is mapped twice", where="--map", hint="once is enough")
            found[file, field] = column.strip() if not column.startswith("=") else column
        return cls(found)

    def of(self, file: FileKind) -> Columns:
        """The columns of one file."""
        names = {
            field: column
            for (kind, field), column in self.columns.items()
            if not kind and field in FIELDS[file] and (file == "catalog" or field not in _CATALOGUE_ONLY)
        }
        alone = {
            field
            for field in names
            if field in _CATALOGUE_ONLY or sum(field in listed for listed in FIELDS.values()) == 1
        }
        own = {field: column for (kind, field), column in self.columns.items() if kind == file}
        return Columns({**names, **own}, frozenset(alone | set(own)))


def _listed(file: str) -> str:
    kinds = (file,) if file else tuple(FIELDS)
    return "; ".join(f"{kind}: {', '.join(FIELDS[kind])}" for kind in kinds)
