"""The parquet files behind batch views: every row that was loaded, with its time, as an offline store keeps them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from features.views import Kind, ViewSpec


class History:
    """Adds rows to a view's file. What was there stays; the file is replaced at the end, or left alone on an error.

    A context manager. pyarrow comes with Feast and is imported with the first row.
    """

    def __init__(self, path: Path, spec: ViewSpec) -> None:
        self._path, self._spec = path, spec
        self._partial = path.with_suffix(".partial")
        self._writer: Any = None
        self._schema: Any = None

    def add(self, rows: Iterable[Mapping[str, Any]], event_ms: int) -> None:
        """Rows that are true as of `event_ms`; members that the view lacks are left out."""
        import pyarrow as pa

        if self._writer is None:
            self._begin()
        moment = datetime.fromtimestamp(event_ms / 1000, tz=UTC)
        names = (*self._spec.keys, *self._spec.features)
        records = [{name: row.get(name) for name in names} for row in rows]
        for record in records:
            record["event_timestamp"] = record["created"] = moment
        self._writer.write_table(pa.Table.from_pylist(records, schema=self._schema))

    def _begin(self) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        types: dict[Kind, Any] = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
        moment = pa.timestamp("us", tz="UTC")
        self._schema = pa.schema(
            [(key, pa.string()) for key in self._spec.keys]
            + [(name, types[kind]) for name, kind in self._spec.features.items()]
            + [("event_timestamp", moment), ("created", moment)]
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = parquet.ParquetWriter(self._partial, self._schema)
        if self._path.is_file():
            before = parquet.ParquetFile(self._path)
            # Of a file of other columns (a version before this one) nothing can be kept.
            if before.schema_arrow.equals(self._schema):
                for batch in before.iter_batches():
                    self._writer.write_batch(batch)

    def __enter__(self) -> "History":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None:
            return
        self._writer.close()
        if kind is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)
