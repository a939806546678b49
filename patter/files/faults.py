"""What is said about a bad line of a user's file: the file, the line, the field, and the way out."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from schemas.errors import Code, ConfigError

# A file may have hundreds of columns; a message that a person reads names these many.
_MOST_COLUMNS = 30

# Names under which shops commonly keep these fields and which are too far from ours to be found by spelling.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "product_id": ("sku", "item_id", "article", "asin", "id"),
    "name": ("title", "product", "product_name", "item"),
    "category": ("product_type", "department", "type", "group"),
    "price": ("amount", "unit_price", "list_price", "cost"),
    "user_id": ("customer_id", "shopper_id", "visitor_id", "customer", "uid", "id"),
    "event_id": ("message_id", "uuid", "id"),
    "kind": ("event", "event_type", "event_name", "action", "type"),
    "time": ("timestamp", "event_time", "created_at", "date", "ts"),
}


def invalid(what: str, path: Path, line: int | None = None, field: str = "", hint: str = "") -> ConfigError:
    """A ConfigError (file_invalid) that points at file:line:field, as far as they are known."""
    where = str(path)
    if line is not None:
        where += f":{line}"
    if field:
        where += f":{field}"
    return ConfigError(Code.FILE_INVALID, what, where=where, hint=hint)


def no_column(field: str, column: str, columns: Iterable[str], path: Path, line: int) -> ConfigError:
    """A field that has to be there is not: say what is there instead, and which of it may be meant."""
    known = [name for name in columns if name]
    wanted = f"there is no column {column!r}" + (f" (for {field})" if column != field else "")
    shown = ", ".join(known[:_MOST_COLUMNS]) + (", ..." if len(known) > _MOST_COLUMNS else "")
    hint = f"try `--map {field}={_guess(field, known)}`"
    return invalid(f"{wanted}; the columns are: {shown}", path, line, field, hint)


def _guess(field: str, columns: list[str]) -> str:
    folded = {name.casefold().replace(" ", "_").replace("-", "_"): name for name in columns}
    for name in (field, *_SYNONYMS.get(field, ())):
        if name in folded:
            return folded[name]
    # 0.5 finds a word in a neighbouring language (preis, prix, categoria) and leaves chance likeness out.
    close = get_close_matches(field, folded, n=1, cutoff=0.5)
    return folded[close[0]] if close else "COLUMN"
