"""Which user agents are bots: a function of the text alone. They are shown nothing and train nothing."""

from schemas.agents import AgentRules

# User agents remembered; there are some thousands of real ones, and whoever invents more must not fill the memory.
MAX_AGENTS = 10_000


class AgentNames(dict[str | None, str | None]):
    """User agent -> the name of the rule that tags it, found out when first asked for. Who sends none has none."""

    def __init__(self, rules: AgentRules) -> None:
        super().__init__()
        self._rules = [
            (rule.name, [part.lower() for part in rule.any], [part.lower() for part in rule.but])
            for rule in rules.agent
        ]

    def __missing__(self, agent: str | None) -> str | None:
        if len(self) >= MAX_AGENTS:
            self.clear()
        name = self[agent] = self._name(agent.lower()) if agent else None
        return name

    def _name(self, agent: str) -> str | None:
        for name, parts, but in self._rules:
            if any(part in agent for part in parts) and not any(part in agent for part in but):
                return name
        return None
