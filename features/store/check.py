"""Whether a deployment's features can be read and written, and what there is: `patter features check`."""

import sqlite3
from typing import Any

from msgspec import Struct

from features.store.fetching import ThreadFetcher
from features.store.folder import repo_folder
from features.store.opening import open_store
from features.store.options import FeatureOptions
from features.store.plan import resolve
from features.store.redis import redis_client
from features.store.sqlite import sqlite_file
from features.store.start import ABSENT, choose_path, first_answer, require_file, unreachable
from features.views import Kind


class ViewReport(Struct, frozen=True, kw_only=True):
    """One view of the service. `sampled` of its ids were read, `found` of them had rows. ttl 0: never stale."""

    name: str
    join_key: str
    ttl_s: int
    cache_ttl_s: float
    features: dict[str, Kind]
    sampled: int
    found: int


class StoreReport(Struct, frozen=True, kw_only=True):
    """What a check found. `writable` is null for a user's own repository, to which nothing is written."""

    folder: str
    project: str
    service: str
    store: str
    path: str
    writable: bool | None
    read_ms: float
    views: list[ViewReport]


def check(options: FeatureOptions) -> StoreReport:
    """Opens registry and store, resolves the service, reads a sample.

    Raises ConfigError (file_missing, file_invalid) and LackingError (dependency_missing, store_unreachable,
    store_unsuitable), each naming what is missing.
    """
    require_file(options)
    store = open_store(options)
    service, plans = resolve(store, options)
    path = choose_path(store, service, plans, options)
    fetcher = ThreadFetcher(path)
    try:
        first_answer(store, plans, fetcher)
        # The first read compares the ways of reading; the second is what a worker will see.
        again = first_answer(store, plans, fetcher)
        writable = _writable(store) if options.repo_path is None else None
    except Exception as error:
        raise unreachable(store, error) from error
    finally:
        fetcher.close()
    found = again.found or []
    return StoreReport(
        folder=str(repo_folder(options)),
        project=str(store.config.project),
        service=options.service,
        store=str(getattr(store.config.online_store, "type", "unknown")),
        path=path.name,
        writable=writable,
        read_ms=round(again.seconds * 1000, 3),
        views=[
            ViewReport(
                name=plan.name,
                join_key=plan.join_key,
                ttl_s=plan.ttl_ms // 1000,
                cache_ttl_s=options.ttl_s(plan.name),
                features=plan.kinds,
                sampled=sum(key != ABSENT for key in ids),
                found=len(rows),
            )
            for (plan, ids), rows in zip(again.wanted, found, strict=True)
        ],
    )


def _writable(store: Any) -> bool:
    kind = getattr(store.config.online_store, "type", None)
    if kind == "redis":
        # A key of its own, gone after a second.
        return bool(redis_client(store).set("patter:writable", b"1", ex=1))
    connection = sqlite3.connect(f"{sqlite_file(store).as_uri()}?mode=rw", uri=True, timeout=1.0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    finally:
        connection.close()
    return True
