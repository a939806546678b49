"""The short way to rows in Feast's SQLite online store: one statement a view and chunk, aggregated inside SQLite.

Feast keeps one table row for each feature. Fetching those one by one and decoding their protobuf costs more than the
look-up, so SQLite puts an entity's features together as one JSON object of their texts, which the column `value_text`
holds for every scalar type; numbers are then parsed by the view's types.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from features.store.keys import key_encoder
from features.store.paths import Found, Wanted
from features.store.plan import ViewPlan
from schemas.ports import FeatureValue

# Parameters of one statement. Statements of at most ten sizes, each a power of two, stay prepared.
CHUNK = 512

# The store is read through the page cache; mapping it saves a copy of each page.
_MMAP_BYTES = 1 << 28

_PARSE: dict[str, Callable[[str], FeatureValue] | None] = {
    "STRING": None,
    "INT32": int,
    "INT64": int,
    "FLOAT": lambda text: _number(text),
    "DOUBLE": lambda text: _number(text),
    "BOOL": {"True": True, "False": False}.__getitem__,
}


# A value without its text was written by another version of Feast: a row that has one is left to the generic path.
_SELECT = (
    "SELECT entity_key, json_group_object(feature_name, value_text), max(event_ts),"
    " sum(value_text IS NULL AND value <> x'') FROM \""
)
_WHERE = '" WHERE entity_key IN ('
_GROUP = " GROUP BY entity_key"


class _ViewStatements:
    """One view's key encoder, features with their parsers, and its statement for each number of keys."""

    def __init__(self, project: str, plan: ViewPlan) -> None:
        self.encode = key_encoder(plan)
        self.parsers = tuple((name, _PARSE[kind]) for name, kind in plan.types.items())
        table = f"{project}_{plan.view.name}".replace('"', '""')
        total = {field.name for field in plan.view.features}
        names = "" if total == set(plan.types) else f" AND feature_name IN ({', '.join(map(_quoted, plan.types))})"
        sizes = [1 << power for power in range(CHUNK.bit_length())]
        self.sql = {size: "".join((_SELECT, table, _WHERE, ",".join("?" * size), ")", names, _GROUP)) for size in sizes}


class SqlitePath:
    """Reads through a connection of its own that cannot write. `busy_s`: how long to wait for a locked file."""

    name = "sqlite"

    def __init__(self, path: Path, project: str, plans: tuple[ViewPlan, ...], busy_s: float) -> None:
        self._path, self._busy_s = path, busy_s
        self._statements = {plan.name: _ViewStatements(project, plan) for plan in plans}
        self._connection: sqlite3.Connection | None = None
        self._times: dict[int, int] = {}

    def read(self, wanted: Wanted) -> list[Found]:
        if self._connection is None:
            self._connection = connect_reading(self._path, self._busy_s)
        execute = self._connection.execute
        return [self._view(self._statements[plan.name], ids, execute) for plan, ids in wanted]

    def _view(self, view: _ViewStatements, ids: Any, execute: Callable[..., sqlite3.Cursor]) -> Found:
        encode, parsers, times = view.encode, view.parsers, self._times
        keys = {raw: key for key in ids if (raw := encode(key)) is not None}
        raws: list[bytes | None] = list(keys)
        rows: Found = {}
        for start in range(0, len(raws), CHUNK):
            chunk = raws[start : start + CHUNK]
            size = 1 << (len(chunk) - 1).bit_length()
            chunk += [None] * (size - len(chunk))
            for raw, text, stamp, untold in execute(view.sql[size], chunk):
                if untold:
                    raise LookupError("rows hold values without their text")
                given = orjson.loads(text)
                values: dict[str, FeatureValue] = {}
                for name, parse in parsers:
                    value = given.get(name)
                    values[name] = value if parse is None or value is None else parse(value)
                event_ms = times.get(stamp)
                if event_ms is None:
                    event_ms = self._event_ms(stamp)
                rows[keys[raw]] = event_ms, values
        return rows

    def _event_ms(self, stamp: int) -> int:
        # Feast writes naive UTC through the local time zone and reads it back the same way; so does this.
        if len(self._times) >= CHUNK * 64:
            self._times.clear()
        event_ms = int(datetime.fromtimestamp(stamp).replace(tzinfo=UTC).timestamp() * 1000)  # noqa: DTZ006
        self._times[stamp] = event_ms
        return event_ms

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def connect_reading(path: Path, busy_s: float) -> sqlite3.Connection:
    """A connection that only reads. Raises sqlite3.OperationalError where there is no such file."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=ro", uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA mmap_size = {_MMAP_BYTES}")
    return connection


def sqlite_file(store: Any) -> Path:
    """Where a store's SQLite file is; a relative path is one in the repository's folder."""
    folder = Path(store.config.repo_path or ".")
    return (folder / str(store.config.online_store.path)).resolve()


def sqlite_fits(plans: tuple[ViewPlan, ...]) -> bool:
    """Whether every feature's text holds its value: scalars only, and no view of several versions."""
    return all(kind in _PARSE for plan in plans for kind in plan.types.values())


def _number(text: str) -> float | None:
    value = float(text)
    # NaN differs from itself.
    return value if value == value else None


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
