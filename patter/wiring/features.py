"""The feature store as the settings want it."""

from features.store.options import FeatureOptions
from patter.settings import Settings


def feature_options(settings: Settings) -> FeatureOptions:
    """Where features come from and how long to wait for them."""
    part = settings.features
    return FeatureOptions(
        repo_path=part.repo_path,
        service=part.service,
        data_dir=settings.data_dir,
        store=part.store,
        redis=part.redis,
        cache_entries=part.cache_entries,
        cache_ttl_s=part.cache_ttl_s,
        max_stale_s=part.max_stale_s,
        read_timeout_ms=part.read_timeout_ms,
        outage=part.outage,
    )
