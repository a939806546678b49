"""`tasks.json` of a bundle: which typed tasks it was tuned for, and what its tuning never saw."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from inference.tasks.records import Task
from schemas.errors import Code, ConfigError, LackingError

SCHEMA = 1
_HINT = "tune one for it with `patter train --tasks` (docs/tasks.md)"


class Condition(Struct, frozen=True, kw_only=True):
    """What approved copy was written under: the words of a request for an ad."""

    segment: str
    tone: str
    cta: str
    channel: str
    length: str


class Taught(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `share` is that of task examples among all that was learned from, `seed` that by which products
    and texts were held out, as `training.tasks.held` says.

    `categories` are those of the catalogue, `held_categories` the ones among them that nothing was learned of;
    `intents` is the closed set of them, `held_kinds` the categories of labelled texts that were held out. `conditions`
    are the commonest that ads were learned under.
    """

    schema: int = SCHEMA
    share: Annotated[float, Meta(gt=0, lt=1)]
    seed: int
    tasks: tuple[Task, ...]
    categories: tuple[str, ...]
    held_categories: tuple[str, ...]
    intents: tuple[str, ...] = ()
    held_kinds: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


def read_taught(path: Path) -> Taught:
    """The file. Raises ConfigError (file_invalid)."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Taught)
    except msgspec.DecodeError as error:
        raise ConfigError(Code.FILE_INVALID, str(error), where=str(path), hint=_HINT) from None
    if found.schema != SCHEMA:
        what = f"schema is {found.schema}, this version reads {SCHEMA}"
        raise ConfigError(Code.FILE_INVALID, what, where=f"{path}:schema", hint=_HINT)
    return found


def taught_of(taught: Taught | None, name: str, task: Task | None = None) -> Taught:
    """What the bundle called `name` was tuned for. Raises LackingError (task_missing): nothing, or not this task."""
    if taught is None:
        raise LackingError(Code.TASK_MISSING, "the bundle holds no typed tasks", where=name, hint=_HINT)
    if task is not None and task not in taught.tasks:
        what = f"the bundle was not tuned for {task}; it does {', '.join(taught.tasks)}"
        raise LackingError(Code.TASK_MISSING, what, where=name, hint=_HINT)
    return taught
