"""The settings that the feature store takes, as the wiring hands them over."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

# How long a cached row may be used before it is read again, and so how late a change is seen. A profile changes with
# the shop's export; activity feeds the frequency cap, and an impression takes seconds to be seen and pushed anyway, so
# reading it more often than that buys nothing and costs a third of serve's time; product features move with stock.
CACHE_TTL_S: Mapping[str, float] = {"user_profile": 60.0, "user_activity": 5.0, "product_catalog": 300.0}

# For views of a user's own repository, of which nothing is known but that someone may push to them.
DEFAULT_CACHE_TTL_S = 5.0


class FeatureOptions(Struct, frozen=True, kw_only=True):
    """Where features come from and how long to wait for them.

    `repo_path` is a user's own Feast repository, whose views replace Patter's; then `data_dir`, `store` and `redis` do
    not choose the store, the repository's yaml does. `redis` is `host:port[,key=value...]` in Feast's own form.
    `cache_entries` bounds the cache of each view; `cache_ttl_s` overrides `CACHE_TTL_S` by view. `max_stale_s` is how
    old a cached row may be to stand in while the store fails. `outage`: `fail_open` answers rows of state `error`,
    `pause` raises `StorePaused`, so that the caller can wait instead of deciding without features.
    """

    repo_path: str | None = None
    service: str = "decision_context_v1"
    data_dir: str = ".patter"
    store: Literal["sqlite", "redis"] = "sqlite"
    redis: str = "127.0.0.1:6379"
    cache_entries: int = 100_000
    cache_ttl_s: Mapping[str, float] = {}
    max_stale_s: float = 600.0
    read_timeout_ms: int = 250
    outage: Literal["fail_open", "pause"] = "fail_open"
    breaker_failures: int = 3
    breaker_retry_s: float = 1.0

    def ttl_s(self, view: str) -> float:
        """How long a cached row of a view is used, in seconds."""
        given = self.cache_ttl_s.get(view)
        return given if given is not None else CACHE_TTL_S.get(view, DEFAULT_CACHE_TTL_S)
