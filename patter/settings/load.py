"""From a TOML file and the environment to `Settings`, or to a list of what is wrong, by field."""

import json
import tomllib
from pathlib import Path

from msgspec import Struct
from pydantic import ValidationError

from patter.settings.model import Settings
from schemas.errors import Code, ConfigError


class Problem(Struct, frozen=True):
    """One thing that is wrong: the field's path and what about it."""

    field: str
    message: str


def load(path: Path | None = None, overrides: dict[str, object] | None = None) -> Settings:
    """The settings of a file (defaults without one). Raises ConfigError that names the first wrong field."""
    found = problems(path, overrides)
    if isinstance(found, Settings):
        return found
    more = f" (and {len(found) - 1} more: `patter check` lists them)" if len(found) > 1 else ""
    raise ConfigError(
        Code.SETTINGS_INVALID,
        found[0].message + more,
        where=f"{path or 'environment'}: {found[0].field}",
        hint="docs/reference/settings.md says how to choose",
    )


def problems(path: Path | None, overrides: dict[str, object] | None = None) -> Settings | list[Problem]:
    """The settings, or everything that is wrong with them. Raises ConfigError where the file cannot be read."""
    values = read_toml(path) if path is not None else {}
    merged = _merged(values, overrides or {})
    try:
        return Settings(**merged)  # type: ignore[arg-type]
    except ValidationError as error:
        return [problem for each in error.errors() for problem in _explained(each["loc"], each["msg"])]


def read_toml(path: Path) -> dict[str, object]:
    """A TOML file's tables, or a JSON file's (for programs). Raises ConfigError where it cannot be read or parsed."""
    try:
        text = path.read_text(encoding="utf-8")
        values: dict[str, object] = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return values
    except FileNotFoundError:
        raise ConfigError(Code.FILE_MISSING, "no such settings file", where=str(path)) from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(Code.SETTINGS_INVALID, f"the file does not parse: {error}", where=str(path)) from None


def _explained(place: tuple[int | str, ...], message: str) -> list[Problem]:
    field = ""
    for part in place:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else part
    text = message.removeprefix("Value error, ")
    if field:
        return [Problem(field, text)]
    return [Problem(*line.split(": ", 1)) for line in text.splitlines() if ": " in line] or [Problem("", text)]


def _merged(base: dict[str, object], over: dict[str, object]) -> dict[str, object]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
