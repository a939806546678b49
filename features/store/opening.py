"""Patter's door to Feast: opens a repository and turns what can go wrong there into errors that say what to do.

Feast is imported inside the functions: the import takes seconds and belongs in workers and admin commands only.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from features.store.folder import redis_with_limits, repo_folder
from features.store.lean_import import lean_import
from features.store.options import FeatureOptions
from schemas.errors import Code, ConfigError, LackingError

_NOISY = ("feast.repo_config", "feast.infra.offline_stores.file_source")


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps Feast's advice out of stderr while it runs.

    It warns that `serve_features_while_materializing` has no effect on a file registry (without it, reads failed for
    seconds at every materialize) and that parquet files of pushed views do not exist (they need not).
    """
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in _NOISY]
    for logger, _ in before:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for logger, level in before:
                logger.setLevel(level)


def open_store(options: FeatureOptions) -> Any:
    """The `feast.FeatureStore` of the options' repository, one a process, made after any fork.

    Raises ConfigError (file_missing, file_invalid) for the yaml and LackingError (dependency_missing,
    store_unreachable) where Feast or the registry is not there.
    """
    folder = repo_folder(options)
    yaml = folder / "feature_store.yaml"
    if not yaml.is_file():
        own = "give features.repo_path the folder of a feature_store.yaml"
        raise ConfigError(
            Code.FILE_MISSING,
            "there is no Feast repository",
            where=str(yaml),
            hint=own if options.repo_path else "run `patter features apply`",
        )
    # Feast tells at INFO of every refresh of its registry's cache.
    logging.getLogger("feast").setLevel(logging.WARNING)
    with quiet():
        try:
            with lean_import():
                from feast import FeatureStore
                from feast.errors import FeastExtrasDependencyImportError
        except ImportError as error:
            raise LackingError(
                Code.DEPENDENCY_MISSING, f"Feast cannot be imported: {error}", hint="install patter's dependencies"
            ) from error
        try:
            store = FeatureStore(repo_path=str(folder))
        except FeastExtrasDependencyImportError as error:
            raise LackingError(
                Code.DEPENDENCY_MISSING, str(error), where=str(yaml), hint="install that extra of Feast"
            ) from error
        except Exception as error:
            raise ConfigError(
                Code.FILE_INVALID,
                f"Feast refuses its settings: {error}",
                where=str(yaml),
                hint="correct the file; `feast apply` in that folder must work",
            ) from error
        _limit_redis(store)
        return store


def _limit_redis(store: Any) -> None:
    """Adds time limits to a Redis connection that has none, in memory: a user's file stays as it is."""
    online = store.config.online_store
    if getattr(online, "type", None) == "redis" and isinstance(getattr(online, "connection_string", None), str):
        online.connection_string = redis_with_limits(online.connection_string)


def find_service(store: Any, options: FeatureOptions) -> Any:
    """The feature service that the options name.

    Raises LackingError: store_unreachable where the registry cannot be read, store_unsuitable where the service is not
    in it, naming those that are.
    """
    folder = str(repo_folder(options))
    with quiet():
        try:
            services = store.list_feature_services()
        except Exception as error:
            raise LackingError(
                Code.STORE_UNREACHABLE,
                f"the Feast registry cannot be read: {error}",
                where=folder,
                hint="check registry.path in feature_store.yaml",
            ) from error
    for service in services:
        if service.name == options.service:
            return service
    names = ", ".join(sorted(service.name for service in services)) or "none"
    apply = f"run `feast apply` in {folder}" if options.repo_path else "run `patter features apply`"
    raise LackingError(
        Code.STORE_UNSUITABLE,
        f"there is no feature service {options.service!r}; there are: {names}",
        where=f"features.service ({folder})",
        hint=f"name one of these, or {apply}",
    )


def provider_of(store: Any) -> Any:
    """Feast's provider, whose `online_read` and `online_write_batch` every store implements.

    It is underscore-named in Feast, 2-3 times as fast as the public calls and stable since its first releases; Feast's
    minor version is pinned, and the tests hold it to the public calls' answers.
    """
    return store._get_provider()  # noqa: SLF001
