"""How a task may be asked for: instructions and questions, those that tuning sees and those that it never does.

Data: `inference/generate/prompts/tasks.toml`. Instruction variants, some of them held out, follow ECInstruct
(arXiv 2402.08831).
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec
from msgspec import Struct

from inference.tasks.records import TASKS, Task


class Wordings(Struct, frozen=True):
    """Ways to say one thing. `seen` may be learned from, `held` only be measured with."""

    seen: tuple[str, ...]
    held: tuple[str, ...]


def wordings(task: Task) -> Wordings:
    """The instructions of a task; serving asks with the first of `seen`."""
    return _tables()[0][task]


def questions() -> Mapping[str, Wordings]:
    """Slot -> questions that it answers."""
    return _tables()[1]


@cache
def _tables() -> tuple[Mapping[Task, Wordings], Mapping[str, Wordings]]:
    text = files("inference.generate").joinpath("prompts", "tasks.toml").read_text("utf-8")
    found = tomllib.loads(text)
    asked = msgspec.convert(found.pop("questions"), dict[str, Wordings])
    tasks = {task: msgspec.convert(found[task], Wordings) for task in TASKS}
    return MappingProxyType(tasks), MappingProxyType(asked)
