"""docs/reference/cli.md, from the command itself."""

from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from patter.reference.markdown import code, page, table

_INTRO = """
`patter --help` and `patter VERB --help` say the same. `--json FILE` writes the result and `--json -` prints it; stdout
then holds JSON only, and logs go to stderr. Exit codes: 0 fine, 1 a check did not hold, 2 bad input or usage, 3 the
environment lacks something, 4 inconclusive, 70 a bug. An error is one line, `error[CODE]: what, where, what to do`; the
codes are listed under [errors](errors.md).

Verbs for replaying decisions, reports and simulation are not there yet.
"""

# Every command has it, and it explains itself.
_UNLISTED = frozenset({"help", "install_completion", "show_completion"})
_WORDS: Mapping[object, str] = {Path: "path", int: "whole number", float: "number", str: "text"}


def cli_page() -> str:
    """The page."""
    return page("Command line", _INTRO, *(_section(name, command) for name, command in verbs()))


def verbs() -> Iterator[tuple[str, Any]]:
    """(full name, command) of every verb, in the order of `--help`. Commands are typer's own objects."""
    from typer.main import get_command

    from patter.cli import build

    yield from _walk("patter", get_command(build()))


def options(command: Any) -> set[str]:
    """Every option that a verb takes, hidden ones excepted."""
    return {name for param in _visible(command) for name in [*param.opts, *param.secondary_opts] if name[0] == "-"}


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for each, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield from _walk(f"{name} {each}", below)


def _visible(command: Any) -> list[Any]:
    return [p for p in command.params if not getattr(p, "hidden", False) and p.name not in _UNLISTED]


def _section(name: str, command: Any) -> str:
    depth = "##" if name.count(" ") < 2 else "###"
    below = getattr(command, "commands", None)
    usage = " ".join([name, *(_place(param) for param in _visible(command) if param.param_type_name == "argument")])
    usage += (
        " COMMAND" if below else " [OPTIONS]" if any(p.param_type_name == "option" for p in _visible(command)) else ""
    )
    parts = [f"{depth} {code(name)}", f"```\n{usage}\n```", " ".join((command.help or "").split())]
    rows = [_row(param) for param in _visible(command)]
    if rows:
        parts.append(table(["option", "value", "default", "what it is for"], rows))
    return "\n\n".join(parts)


def _place(param: Any) -> str:
    name = str(param.name).upper()
    return name if param.required else f"[{name}]"


def _row(param: Any) -> list[str]:
    if param.param_type_name == "argument":
        return [code(str(param.name).upper()), "", "required" if param.required else "", param.help or ""]
    name = ", ".join(map(code, param.opts)) + "".join(f", {code(other)}" for other in param.secondary_opts)
    flag = getattr(param, "is_flag", False)
    default = (
        "required" if param.required else "" if flag or param.default in (None, []) else code(_plain(param.default))
    )
    return [name, "" if flag else _value(param), default, param.help or ""]


def _value(param: Any) -> str:
    """What kind of value an option takes, from the annotation that typer keeps."""
    annotation = param.type_descriptor.annotation
    if param.multiple:
        return "text, repeated"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(code(each.value) for each in annotation)
    return _WORDS.get(annotation, "")


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value
