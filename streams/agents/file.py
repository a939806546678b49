"""Rules on bots and agents read from TOML; what is wrong with the file is said with its place."""

import tomllib
from importlib.resources import files
from pathlib import Path

import msgspec

from schemas.agents import AgentRules
from schemas.errors import Code, ConfigError

SHIPPED = "rules.toml"
_HINT = "docs/agents.md describes the rules"


def shipped_rules() -> AgentRules:
    """The rules that come with Patter."""
    return _rules(files("streams.agents").joinpath(SHIPPED).read_text("utf-8"), SHIPPED)


def read_rules(path: Path) -> AgentRules:
    """The rules of a file. Raises ConfigError: file_missing, file_invalid."""
    try:
        return _rules(path.read_text("utf-8"), str(path))
    except OSError as error:
        what = f"the rules on agents cannot be read: {error.strerror or error}"
        raise ConfigError(Code.FILE_MISSING, what, where=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigError(Code.FILE_INVALID, "the file is not UTF-8", where=str(path)) from None


def _rules(text: str, where: str) -> AgentRules:
    try:
        return msgspec.convert(tomllib.loads(text), AgentRules)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(Code.FILE_INVALID, str(error), where=where, hint=_HINT) from None
