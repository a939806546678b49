"""Identifiers that refuse to be empty.

An id is what a caller hands in, kept as it is: Patter never trims or folds it, because the shop joins on it.
"""

from typing import Annotated

from msgspec import Meta

# Kafka keys, token codes and Feast entity keys all carry ids; 256 characters is far above any shop's scheme and keeps
# one hostile id from filling a cache line by line.
MAX_ID_CHARS = 256

Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
EventId = Id
UserId = Id
ProductId = Id
OrderId = Id
Name = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
"""A name given in settings: segment, variant, experiment, category."""
