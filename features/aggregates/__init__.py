"""Aggregates that hold bounded memory whatever comes: distinct counts and heavy hitters."""
