"""Deciding again: records against what their inputs give, and logs of actions sent once more."""
