"""The online store behind Feast: set-up, loading, checks, and the batched reader that decisions use."""

from features.store.breaker import StorePaused
from features.store.heap import settle_heap
from features.store.options import FeatureOptions
from features.store.start import known_features, open_reader

__all__ = ["FeatureOptions", "StorePaused", "known_features", "open_reader", "settle_heap"]
