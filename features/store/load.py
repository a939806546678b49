"""Filling the store from files: shoppers and products straight into the online store, shoppers to parquet as well."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from features.store.apply import apply
from features.store.folder import own_folder
from features.store.history import History
from features.store.opening import open_store, quiet
from features.store.options import FeatureOptions
from features.store.plan import resolve
from features.store.start import require_file
from features.store.writer import BATCH, Row, StoreWriter
from features.views import BY_NAME
from schemas.catalog import Product
from schemas.errors import Code, ConfigError, LackingError


class Loaded(Struct, frozen=True, kw_only=True):
    """How many rows a load has put into the online store."""

    users: int
    products: int


def materialize(
    options: FeatureOptions,
    users: Iterable[Row] = (),
    products: Iterable[Product | Row] = (),
    *,
    now_ms: int,
) -> Loaded:
    """Apply the definitions, then write shoppers to user_profile and products to product_catalog, true as of now.

    Rows are taken one batch at a time, so a file may be larger than memory. They also go to the views' parquet files,
    from which `feast materialize` can fill another store. Raises ConfigError (file_invalid; usage for a user's own
    repository, whose views these are not) and LackingError (store_unreachable).
    """
    if options.repo_path is not None:
        raise ConfigError(
            Code.USAGE,
            "files fill Patter's own views, and features.repo_path names another repository",
            where="features.repo_path",
            hint="materialize that repository with `patter features materialize --since ...` or with Feast",
        )
    apply(options)
    writer = StoreWriter.open(options)
    folder = own_folder(options) / "offline"
    return Loaded(
        users=_load(writer, folder, "user_profile", users, now_ms),
        products=_load(writer, folder, "product_catalog", map(_product_row, products), now_ms),
    )


def rematerialize(options: FeatureOptions, since: datetime, until: datetime) -> list[str]:
    """Feast's own `materialize` of the service's views from their batch sources; answers the views.

    Both times have a zone. Views whose parquet file is not there are left out, in Patter's own repository. Raises
    ConfigError or LackingError as `open_store` and `resolve` do, and LackingError (store_unreachable).
    """
    require_file(options)
    store = open_store(options)
    _, plans = resolve(store, options)
    names = [plan.view.name for plan in plans if not plan.computed and getattr(plan.view, "batch_source", None)]
    if options.repo_path is None:
        names = [name for name in names if _history_file(own_folder(options) / "offline", name).is_file()]
    if not names:
        return []
    with quiet():
        try:
            store.materialize(since, until, feature_views=names)
        except Exception as error:
            raise LackingError(
                Code.STORE_UNREACHABLE,
                f"Feast could not materialize {', '.join(names)}: {error}",
                where="features",
                hint="check the views' batch sources and the online store",
            ) from error
    return names


def _load(writer: StoreWriter, folder: Path, view: str, rows: Iterable[Row], now_ms: int) -> int:
    count = 0
    with History(_history_file(folder, view), BY_NAME[view]) as history:
        for batch in _batches(rows):
            # Nothing in the store can be newer than now, except by clocks that differ: then the file counts.
            count += writer.write(view, batch, now_ms, newest=True)
            history.add(batch, now_ms)
    return count


def _history_file(folder: Path, view: str) -> Path:
    return folder / f"{view}.parquet"


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rest = iter(rows)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _product_row(product: Product | Row) -> Row:
    if isinstance(product, Mapping):
        return product
    row: dict[str, Any] = msgspec.structs.asdict(product)
    return row
