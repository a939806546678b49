"""A few ids that an online store really holds, to compare ways of reading it."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from features.store.keys import key_value
from features.store.plan import ViewPlan
from features.store.redis import redis_client
from features.store.sqlite import connect_reading, sqlite_file

SAMPLE = 20

# SCAN is asked for so many keys at most, however large the store is.
_SCANNED = 2_000


def sample_ids(store: Any, plans: tuple[ViewPlan, ...]) -> dict[str, list[str]]:
    """{view: ids that have rows}, at most `SAMPLE` each; empty for stores other than SQLite and Redis.

    Raises what the store's client raises.
    """
    kind = getattr(store.config.online_store, "type", None)
    if kind == "sqlite":
        return _of_sqlite(store, plans)
    if kind == "redis":
        return _of_redis(store, plans)
    return {}


def _of_sqlite(store: Any, plans: tuple[ViewPlan, ...]) -> dict[str, list[str]]:
    found = {}
    connection = connect_reading(sqlite_file(store), 1.0)
    try:
        for plan in plans:
            if plan.computed:
                continue
            table = f"{store.config.project}_{plan.view.name}".replace('"', '""')
            sql = f'SELECT DISTINCT entity_key FROM "{table}" LIMIT {SAMPLE}'  # noqa: S608 - a name of the registry
            found[plan.name] = _ids((row[0] for row in connection.execute(sql)), plan)
    finally:
        connection.close()
    return found


def _of_redis(store: Any, plans: tuple[ViewPlan, ...]) -> dict[str, list[str]]:
    project, client = store.config.project.encode(), redis_client(store)
    keys = [key for key in map(bytes, islice(client.scan_iter(count=500), _SCANNED)) if key.endswith(project)]
    found = {}
    for plan in plans:
        if plan.computed:
            continue
        # One hash holds all views of an entity: that it is there does not say that this view has a row in it.
        pipe = client.pipeline(transaction=False)
        for key in keys:
            pipe.hexists(key, f"_ts:{plan.view.name}")
        raws = [key.removesuffix(project) for key, there in zip(keys, pipe.execute(), strict=True) if there]
        found[plan.name] = _ids(raws, plan)[:SAMPLE]
    return found


def _ids(raws: Iterable[bytes], plan: ViewPlan) -> list[str]:
    from feast.infra.key_encoding_utils import deserialize_entity_key

    found = []
    for raw in raws:
        try:
            message = deserialize_entity_key(raw, entity_key_serialization_version=3)
        except (ValueError, IndexError):
            continue
        if list(message.join_keys) == [plan.stored_key]:
            found.append(key_value(message))
    return found
