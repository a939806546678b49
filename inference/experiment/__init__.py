"""The statistics of experiments, pure: who is in which arm, what an arm did, and how sure that is.

Nothing here reads a clock, a topic or a file. docs/experiments.md says what each figure means.
"""
