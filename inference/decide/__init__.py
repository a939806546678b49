"""Who sees what: assignment, eligibility, policy and choice. Pure functions; no clock, no I/O."""
