"""The rules that tell bots, as the settings want them."""

from pathlib import Path

from msgspec.structs import replace

from patter.settings import Settings
from schemas.agents import AgentRule, AgentRules
from schemas.errors import Code, ConfigError
from streams.agents.file import read_rules, shipped_rules

OWN = "settings"
"""The name of the rule that `serve.bots` makes."""


def agent_rules(settings: Settings) -> AgentRules:
    """Those of the file, and the settings' own. Raises ConfigError: the file is missing or invalid."""
    path = settings.agents.rules
    rules = read_rules(Path(path)) if path else shipped_rules()
    if not settings.agents.watch:
        rules = replace(rules, watch=())
    if not settings.serve.bots:
        return rules
    if OWN in rules.names():
        raise ConfigError(Code.FILE_INVALID, f"a rule is named {OWN!r}, as that of serve.bots is", where=path or "")
    return replace(rules, agent=(*rules.agent, AgentRule(name=OWN, any=tuple(settings.serve.bots))))
