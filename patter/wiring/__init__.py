"""Settings become running roles: ports are bound to adapters here, in plain functions."""
