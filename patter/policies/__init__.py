"""`patter policy history|rollback|evaluate`: the versions that there were, and what they were worth."""
