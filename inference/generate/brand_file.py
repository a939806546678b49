"""A brand's rules read from TOML; what is wrong with the file is said with its line and field."""

import re
import tomllib
from pathlib import Path

import msgspec

from inference.generate.brand import BrandRules
from inference.generate.channels import LIMITS
from inference.generate.templates import LEAST_ROOM
from schemas.errors import Code, ConfigError

_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_PLACE = re.compile(r"^(.*?)(?: - at `(?:key in )?\$\.?([\w-]*).*`)?$", re.S)
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")
_HINT = "docs/write.md lists the fields of brand rules"


def read_brand_rules(path: Path) -> BrandRules:
    """The rules of a file.

    Raises ConfigError: file_missing (it cannot be read), file_invalid with file:line:field (it is no TOML, a field is
    unknown or of the wrong type, or a channel does not exist or has no room for what it requires).
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(Code.FILE_MISSING, f"the brand rules cannot be read: {reason}", where=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigError(Code.FILE_INVALID, "the file is not UTF-8", where=str(path)) from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        what = _AT_LINE.sub("", str(error)).strip()
        raise _invalid(path, int(found[1]) if found else None, "", f"no TOML: {what}") from None
    try:
        rules = msgspec.convert(values, BrandRules)
    except msgspec.ValidationError as error:
        what, field = _explained(str(error))
        raise _invalid(path, _line_of(text, field), field, what) from None
    for channel, phrases in rules.required.items():
        if channel not in LIMITS:
            what = f"there is no channel {channel!r}; there are {', '.join(LIMITS)}"
            raise _invalid(path, _line_of(text, channel), f"required.{channel}", what)
        left = LIMITS[channel] - sum(1 + len(phrase) for phrase in phrases)
        if left < LEAST_ROOM:
            what = f"what is required leaves {left} of the {LIMITS[channel]} characters of the channel {channel}"
            raise _invalid(path, _line_of(text, channel), f"required.{channel}", what)
    return rules


def _explained(message: str) -> tuple[str, str]:
    """What is wrong, and the field, of msgspec's message."""
    what, field = _PLACE.fullmatch(message).groups()  # type: ignore[union-attr]
    unknown = _UNKNOWN.search(what)
    return (f"there is no field {unknown[1]!r}", unknown[1]) if unknown else (what, field or "")


def _line_of(text: str, field: str) -> int | None:
    """The line on which a field is set, or its table begins."""
    name = re.escape(field)
    wanted = re.compile(rf"\s*(?:[\w.\"-]+\.)?[\"']?{name}[\"']?\s*=|\s*\[{name}\]")
    lines = text.splitlines()
    return next((at for at, line in enumerate(lines, start=1) if field and wanted.match(line)), None)


def _invalid(path: Path, line: int | None, field: str, what: str) -> ConfigError:
    where = ":".join(str(part) for part in (path, line, field) if part)
    return ConfigError(Code.FILE_INVALID, what, where=where, hint=_HINT)
