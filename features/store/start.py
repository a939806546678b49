"""Starting a reader: the repository opened, the service resolved, the way to read chosen and held to a sample."""

import logging
import time
from typing import Any

from features.store.fetching import Fetched, Fetcher, ThreadFetcher
from features.store.folder import online_path
from features.store.generic import OnlineReadPath, PublicPath
from features.store.opening import open_store
from features.store.options import FeatureOptions
from features.store.paths import ReadPath
from features.store.plan import ViewPlan, resolve
from features.store.proving import ProvenPath
from features.store.reader import BatchReader
from features.store.redis import RedisPath, redis_fits
from features.store.sampling import sample_ids
from features.store.sqlite import SqlitePath, sqlite_file, sqlite_fits
from features.views import Kind
from features.views import known_features as own_features
from schemas.errors import Code, LackingError
from schemas.ports import Clock

_LOG = logging.getLogger("patter.features")

# The first read of a process imports, connects and fills caches; a store that takes longer than this is not there.
START_LIMIT_S = 10.0

# Certainly no id of a shop: what the store says about what it does not have is compared too.
ABSENT = "\x01absent"


class SystemClock:
    """The machine's clocks, as `schemas.ports.Clock` has them."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()


def open_reader(options: FeatureOptions, clock: Clock | None = None, *, demand_store: bool = True) -> BatchReader:
    """The reader of the options' feature service. Imports Feast, which takes seconds; call it after any fork.

    With `demand_store` a store that does not answer now is an error; without it the reader starts with its breaker's
    rules, so that a worker that is restarted during an outage goes on as the others do.

    Raises ConfigError or LackingError as `open_store` and `resolve` do, and LackingError (store_unreachable).
    """
    require_file(options)
    store = open_store(options)
    service, plans = resolve(store, options)
    path = choose_path(store, service, plans, options)
    fetcher = ThreadFetcher(path)
    reader = BatchReader(plans, fetcher, options, clock or SystemClock(), path)
    try:
        first_answer(store, plans, fetcher)
    except Exception as error:
        if demand_store:
            reader.close()
            raise unreachable(store, error) from error
    return reader


def first_answer(store: Any, plans: tuple[ViewPlan, ...], fetcher: Fetcher) -> Fetched:
    """Reads a sample of every view, which also holds a fast path to the generic one's answer.

    Raises what the store's client raises, and TimeoutError.
    """
    try:
        samples = sample_ids(store, plans)
    except Exception as error:  # noqa: BLE001 - the read that follows says whether the store is there
        _LOG.info("no sample of the online store: %s", error)
        samples = {}
    fetcher.ask([(plan, [*samples.get(plan.name, ()), ABSENT]) for plan in plans], 0.0)
    answer = fetcher.answer(START_LIMIT_S)
    if answer is None:
        raise TimeoutError(f"no answer in {START_LIMIT_S:g} s")
    if answer.error is not None:
        raise answer.error
    return answer


def choose_path(store: Any, service: Any, plans: tuple[ViewPlan, ...], options: FeatureOptions) -> ReadPath:
    """How to read this service from this store: the public call where views need it, else the fastest that fits."""
    if any(plan.computed or plan.aliased for plan in plans):
        return PublicPath(store, service, plans)
    generic = OnlineReadPath(store)
    online, registry = store.config.online_store, store.config.registry
    # Versioned views have other table and field names, which only Feast knows.
    if getattr(registry, "enable_online_feature_view_versioning", False):
        return generic
    kind = getattr(online, "type", None)
    if kind == "sqlite" and sqlite_fits(plans):
        file = sqlite_file(store)
        return ProvenPath(generic, SqlitePath(file, store.config.project, plans, options.read_timeout_ms / 1000))
    if kind == "redis" and redis_fits(store):
        return ProvenPath(generic, RedisPath(store, plans))
    return generic


def known_features(options: FeatureOptions) -> dict[str, dict[str, Kind]]:
    """{view: {feature: kind}} of the service: what rules may name. Needs Feast only for services not of Patter's own.

    Raises ConfigError or LackingError as `open_store` and `resolve` do.
    """
    if options.repo_path is None and (own := own_features(options.service)) is not None:
        return own
    _, plans = resolve(open_store(options), options)
    return {plan.name: plan.kinds for plan in plans}


def require_file(options: FeatureOptions) -> None:
    """Raises LackingError (store_unreachable) where Patter's own SQLite file is not there: Feast would make one."""
    if options.repo_path is None and options.store == "sqlite" and not online_path(options).is_file():
        raise LackingError(
            Code.STORE_UNREACHABLE,
            "the online store is not there",
            where=str(online_path(options)),
            hint="run `patter features apply`",
        )


def unreachable(store: Any, error: Exception) -> LackingError:
    """The error for a store that does not answer."""
    online = store.config.online_store
    place = getattr(online, "connection_string", None) or getattr(online, "path", None) or ""
    return LackingError(
        Code.STORE_UNREACHABLE,
        f"the online store ({getattr(online, 'type', 'unknown')}) does not answer: {error}",
        where=_without_secrets(str(place)),
        hint="start it, or correct features.redis or the online_store of feature_store.yaml",
    )


def _without_secrets(place: str) -> str:
    return ",".join(part for part in place.split(",") if not part.startswith(("password=", "username=")))
