"""Small states that every worker holds whole: pool, catalogue, policy."""
