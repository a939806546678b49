"""Which user agents are bots: they are shown nothing and train nothing."""

# User agents remembered; there are some thousands of real ones, and whoever invents more must not fill the memory.
MAX_AGENTS = 10_000


class Agents(dict[str | None, bool]):
    """User agent -> whether it is a bot's, found out when it is first asked for. Who sends none is no bot."""

    def __init__(self, bots: tuple[str, ...]) -> None:
        super().__init__()
        self._bots = bots

    def __missing__(self, agent: str | None) -> bool:
        if len(self) >= MAX_AGENTS:
            self.clear()
        known = self[agent] = agent is not None and any(part in agent.lower() for part in self._bots)
        return known
