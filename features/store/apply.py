"""Putting Patter's definitions into the registry and its tables into the store: once, and again when they change."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from msgspec import Struct

from features.repo import PROJECT
from features.store.folder import online_path, own_folder, registry_path, repo_folder, write_folder, yaml_text
from features.store.opening import open_store, quiet
from features.store.options import FeatureOptions
from features.views import SERVICES, VIEWS
from schemas.errors import Code, LackingError

_MARK = "applied.json"


class Applied(Struct, frozen=True, kw_only=True):
    """What `apply` found or did. `changed` is False where the registry already held these definitions."""

    folder: str
    changed: bool
    views: list[str]
    services: list[str]


def apply(options: FeatureOptions) -> Applied:
    """Write `feature_store.yaml` and apply the definitions; a few milliseconds, without Feast, where nothing changed.

    A user's own repository is left as it is: applying it is `feast apply`'s work, by whoever owns it. Raises
    LackingError (store_unreachable) where the folder, the registry or the store cannot be written.
    """
    if options.repo_path is not None:
        return Applied(folder=str(repo_folder(options)), changed=False, views=[], services=[])
    folder = own_folder(options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            changed = not _is_applied(options)
            if changed:
                write_folder(options, PROJECT)
                _apply(options)
                (folder / _MARK).write_text(json.dumps({"definitions": _digest(options)}), encoding="utf-8")
    except (OSError, sqlite3.Error) as error:
        raise LackingError(
            Code.STORE_UNREACHABLE,
            f"the feature store cannot be set up: {error}",
            where=str(folder),
            hint="data_dir has to be on a local disk and writable",
        ) from error
    return Applied(
        folder=str(folder),
        changed=changed,
        views=[view.name for view in VIEWS],
        services=[service.name for service in SERVICES],
    )


def _apply(options: FeatureOptions) -> None:
    store = open_store(options)
    with quiet():
        from features.repo.entities import ENTITIES
        from features.repo.services import FEATURE_SERVICES
        from features.repo.views import FEATURE_VIEWS, SOURCES

        store.apply([*ENTITIES, *SOURCES, *FEATURE_VIEWS.values(), *FEATURE_SERVICES.values()])
    if options.store == "sqlite":
        _let_readers_read(online_path(options))


def _let_readers_read(path: Path) -> None:
    """Write-ahead logging, kept in the file: workers read on while another process writes or materializes."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _is_applied(options: FeatureOptions) -> bool:
    if not registry_path(options).is_file():
        return False
    if options.store == "sqlite" and not online_path(options).is_file():
        return False
    try:
        mark = json.loads((own_folder(options) / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(mark, dict) and mark.get("definitions") == _digest(options)


def _digest(options: FeatureOptions) -> str:
    """A hash of everything that `apply` puts anywhere: settings, views and services, the code that builds them."""
    digest = hashlib.sha256()
    digest.update(yaml_text(options, PROJECT).encode())
    digest.update(msgspec.json.encode((VIEWS, SERVICES)))
    repo = Path(__file__).resolve().parent.parent / "repo"
    for name in ("entities.py", "views.py", "services.py"):
        digest.update((repo / name).read_bytes())
    with suppress(PackageNotFoundError):
        digest.update(version("feast").encode())
    return digest.hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One `apply` at a time: two at once would lose each other's writes to a registry file."""
    try:
        import fcntl
    except ImportError:  # a system without POSIX locks: whoever runs several roles there applies before
        yield
        return
    with (folder / "apply.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
