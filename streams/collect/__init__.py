"""collect: feedback in, cumulative counters out."""
