"""When copy has done its work: a click rate that declines against its own past, and a novelty that is spent."""
