"""generate: writes the copy that serve missed; the pool's only writer."""
