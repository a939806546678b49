"""Writing rows of absolute values into the online store, never an older one over a newer one.

Stores differ: Redis drops a row as old as the one it has, SQLite and Postgres overwrite a newer one. So the writer
remembers each key's time (and asks the store for those it does not know), drops what is older, and raises repeated
times by a microsecond. A key's rows have to come from one writer, as they do where one partition owns the key.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from features.store.opening import open_store, provider_of, quiet
from features.store.options import FeatureOptions
from features.store.start import require_file, unreachable
from features.store.values import encoder
from schemas.errors import Code, ConfigError

Row = Mapping[str, object]
"""Join keys and features by name; the values are judged when they are encoded."""

# Rows a write: 10,000 at once were slower than 1,000 in every store, and hold SQLite's lock for a second.
BATCH = 1_000

# Keys whose last time is remembered, for each view; about 150 bytes each.
REMEMBERED = 200_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_Key = tuple[object, ...]
_Entry = tuple[_Key, Any, dict[str, Any]]
"""(key, its message, {feature: message})."""


class _View:
    """A view as the writer needs it: its columns with their encoders, and the times of its keys."""

    def __init__(self, view: Any) -> None:
        from feast.protos.feast.types.EntityKey_pb2 import EntityKey

        self.view = view
        self.keys = {column.name: encoder(column.dtype.to_value_type().name) for column in view.entity_columns}
        self.features = {field.name: encoder(field.dtype.to_value_type().name) for field in view.features}
        self.times: OrderedDict[_Key, int] = OrderedDict()
        self._message = EntityKey

    def entity(self, key: _Key) -> Any:
        """The message of a key."""
        values = [encode(part) for encode, part in zip(self.keys.values(), key, strict=True)]
        return self._message(join_keys=list(self.keys), entity_values=values)


class StoreWriter:
    """Writes rows of any view of a repository. Belongs to one thread; keep it off event loops."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._provider = provider_of(store)
        self._views: dict[str, _View] = {}

    @classmethod
    def open(cls, options: FeatureOptions) -> "StoreWriter":
        """A writer to the options' store. Imports Feast. Raises as `open_store` does."""
        require_file(options)
        return cls(open_store(options))

    def write(self, view: str, rows: Sequence[Row], event_ms: int, *, newest: bool = False) -> int:
        """Write rows that are true as of `event_ms`; answers how many were not older than what the store holds.

        A row has the view's join keys and features; a feature that it lacks becomes null, other members are ignored. Of
        several rows of a key the last counts. `newest` says that nothing newer is there, and saves asking the store.
        Rows go in batches of `BATCH`. Raises ConfigError (file_invalid) for an unknown view or a value of the wrong
        type, and LackingError (store_unreachable) where the store does not take a batch; the batches before that are
        written, and all rows can be written again.
        """
        if event_ms <= 0:
            raise ValueError("event_ms is not after the epoch")
        known = self._view(view)
        return sum(
            self._batch(known, self._entries(known, view, rows[start : start + BATCH]), event_ms, newest=newest)
            for start in range(0, len(rows), BATCH)
        )

    def _entries(self, known: _View, view: str, rows: Sequence[Row]) -> list[_Entry]:
        try:
            keyed = {tuple(row[name] for name in known.keys): row for row in rows}
        except KeyError as error:
            raise ConfigError(Code.FILE_INVALID, f"a row lacks its join key {error}", where=view) from None
        return [(key, self._entity(known, view, key), self._values(known, view, row)) for key, row in keyed.items()]

    def _entity(self, known: _View, view: str, key: _Key) -> Any:
        if None in key or "" in key:
            raise ConfigError(Code.FILE_INVALID, "a join key is empty", where=f"{view}: {', '.join(known.keys)}")
        try:
            return known.entity(key)
        except (ValueError, TypeError, OverflowError) as error:
            raise ConfigError(Code.FILE_INVALID, str(error), where=f"{view}: {', '.join(known.keys)}") from None

    def _values(self, known: _View, view: str, row: Row) -> dict[str, Any]:
        values = {}
        for name, encode in known.features.items():
            try:
                values[name] = encode(row.get(name))
            except (ValueError, TypeError, OverflowError) as error:
                raise ConfigError(Code.FILE_INVALID, str(error), where=f"{view}:{name}") from None
        return values

    def _batch(self, known: _View, entries: list[_Entry], event_ms: int, *, newest: bool) -> int:
        config = self._store.config
        try:
            if not newest:
                self._learn_times(known, entries)
            data, times = [], {}
            for key, entity, values in entries:
                micros = _next_time(known.times.get(key), event_ms)
                if micros is not None:
                    times[key] = micros
                    moment = _EPOCH + timedelta(microseconds=micros)
                    data.append((entity, values, moment, moment))
            if data:
                self._provider.online_write_batch(config, known.view, data, None)
        except Exception as error:
            raise unreachable(self._store, error) from error
        for key, micros in times.items():
            known.times.pop(key, None)
            known.times[key] = micros
        while len(known.times) > REMEMBERED:
            known.times.popitem(last=False)
        return len(data)

    def _learn_times(self, known: _View, entries: list[_Entry]) -> None:
        unknown = [(key, entity) for key, entity, _ in entries if key not in known.times]
        if not unknown:
            return
        one_feature = [next(iter(known.features))]
        entities = [entity for _, entity in unknown]
        answers = self._provider.online_read(self._store.config, known.view, entities, one_feature)
        for (key, _), (moment, values) in zip(unknown, answers, strict=True):
            if values and moment is not None and moment > _EPOCH:
                known.times[key] = (moment - _EPOCH) // timedelta(microseconds=1)

    def _view(self, name: str) -> _View:
        known = self._views.get(name)
        if known is None:
            with quiet():
                try:
                    view = self._store.get_feature_view(name)
                except Exception as error:
                    raise ConfigError(
                        Code.FILE_INVALID, f"there is no feature view {name!r}: {error}", hint="apply the repository"
                    ) from error
            known = self._views[name] = _View(view)
        return known


def write_rows(options: FeatureOptions, view: str, rows: Sequence[Row], event_ms: int) -> int:
    """Write rows once, from a command; a stream keeps a `StoreWriter`. Answers and raises as its `write` does."""
    return StoreWriter.open(options).write(view, rows, event_ms)


def _next_time(last_us: int | None, event_ms: int) -> int | None:
    """The time to write with, in microseconds: later than the last one, None where the row is older than that."""
    micros = event_ms * 1000
    if last_us is None or micros > last_us:
        return micros
    return last_us + 1 if last_us // 1000 == event_ms else None
