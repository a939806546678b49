"""Which events are of bots and agents: rules on user agents, and the file that all rules come from."""
