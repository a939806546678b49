"""docs/reference/settings.md, from `patter.settings.model.Settings`."""

import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from patter.reference.markdown import code, page, table
from patter.settings.model import Settings

_INTRO = """
Settings come from one TOML file (`--config patter.toml`) and from the environment, which wins: `PATTER_`, then the path
in capitals with two underscores between its parts, such as `PATTER_KAFKA__BOOTSTRAP`. Tables and lists are given as
JSON there. A field that does not exist, or a value that does not fit, stops every verb with the field's path;
`patter check --config FILE` lists all of them. [configuration](../configuration.md) shows how a file is written, and
[deploy/patter.toml](../../deploy/patter.toml) is a whole one.

`NAME` stands for a key that you choose from a fixed set or freely, `[]` for each element of a list.
"""

_BOUNDS = (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"))


class SettingField(Struct, frozen=True):
    """One field: path, what it takes, its default as TOML-like text (empty: none, required), how to choose."""

    path: str
    kind: str
    default: str
    about: str


def setting_fields() -> list[SettingField]:
    """Every field, in the order of the model."""
    schema = Settings.model_json_schema()
    defaults = Settings.model_construct().model_dump(mode="json")
    return list(_fields(schema, schema["$defs"], "", defaults))


def settings_page() -> str:
    """The page: top-level fields first, then a section for each part."""
    fields = setting_fields()
    parts: dict[str, list[SettingField]] = {}
    for field in fields:
        head = field.path.partition(".")[0] if "." in field.path else ""
        parts.setdefault(head, []).append(field)
    sections = []
    for head in sorted(parts, key=lambda name: (name != "", [*parts].index(name))):
        title = f"## `{head.replace('[]', '')}`" if head else "## Top level"
        sections += [title, _table(parts[head])]
    return page("Settings", _INTRO, *sections)


def _table(fields: list[SettingField]) -> str:
    rows = [[code(f.path), f.kind, code(f.default) if f.default else "required", f.about] for f in fields]
    return table(["field", "takes", "default", "how to choose"], rows)


def _fields(part: dict[str, Any], defs: dict[str, Any], prefix: str, defaults: Any) -> Iterator[SettingField]:
    for name, field in part["properties"].items():
        path = f"{prefix}{name}"
        given = isinstance(defaults, dict) and name in defaults
        value = defaults[name] if given else field.get("default")
        below, suffix = _below(field, defs)
        optional = {"type": "null"} in field.get("anyOf", ())
        if below is None or suffix or optional:
            required = not given and name in part.get("required", ())
            yield SettingField(path, _kind(field, defs), "" if required else _text(value), field.get("description", ""))
        if below is not None:
            yield from _fields(below, defs, f"{path}{suffix}.", None if suffix else value)


def _below(field: dict[str, Any], defs: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """The part that a field holds, and how its path goes on: "" for the part, `[]` in a list, `.NAME` in a table."""
    if "$ref" in field:
        return defs[field["$ref"].rpartition("/")[2]], ""
    for each in field.get("anyOf", ()):
        found, suffix = _below(each, defs)
        if found is not None:
            return found, suffix
    for key, suffix in (("items", "[]"), ("additionalProperties", ".NAME")):
        if isinstance(field.get(key), dict) and "$ref" in field[key]:
            return _below(field[key], defs)[0], suffix
    return None, ""


def _kind(field: dict[str, Any], defs: dict[str, Any]) -> str:
    if "$ref" in field:
        return "table"
    if "anyOf" in field:
        kinds = dict.fromkeys(_kind(each, defs) for each in field["anyOf"] if each != {"type": "null"})
        return ", ".join([*kinds][:-1]) + " or " * (len(kinds) > 1) + [*kinds][-1]
    if "enum" in field:
        return ", ".join(map(code, field["enum"]))
    if field["type"] == "array":
        return f"list of {_kind(field['items'], defs)}"
    if field["type"] == "object":
        return f"table of {_kind(field['additionalProperties'], defs)}"
    kind = {"integer": "whole number", "string": "text", "boolean": "true or false"}.get(field["type"], field["type"])
    bounds = " and ".join(f"{sign} {field[key]:g}" for key, sign in _BOUNDS if key in field)
    pattern = f" like {code(field['pattern'])}" if "pattern" in field else ""
    return f"{kind} {bounds}".strip() + pattern


def _text(value: object) -> str:
    return "unset" if value is None else json.dumps(value, ensure_ascii=False)
