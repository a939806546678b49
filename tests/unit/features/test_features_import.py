"""What importing the package costs, and what its own views are called."""

import subprocess
import sys

from features.store import known_features
from features.store.options import CACHE_TTL_S, DEFAULT_CACHE_TTL_S, FeatureOptions
from features.views import BY_NAME, SERVICES, VIEWS

HEAVY = ("feast", "pandas", "pyarrow", "redis", "torch")


def test_nothing_heavy_is_imported_with_the_package() -> None:
    code = (
        "import sys, features, features.segments, features.default_segments, features.views, features.store,"
        " features.store.writer, features.store.load, features.store.check, features.store.apply\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_rules_may_name_is_known_without_feast() -> None:
    known = known_features(FeatureOptions(data_dir="/nowhere"))
    assert list(known) == ["user_profile", "user_activity", "product_catalog"]
    assert known["user_profile"]["discount_share"] == "float"


def test_services_name_views_that_there_are_and_carry_a_version() -> None:
    for service in SERVICES:
        assert set(service.views) <= set(BY_NAME)
        assert service.name.rpartition("_v")[2].isdigit()


def test_a_decision_reads_views_of_shopper_and_product_only() -> None:
    assert {BY_NAME[name].keys for name in SERVICES[0].views} == {("user_id",), ("product_id",)}


def test_no_feature_is_called_like_a_join_key() -> None:
    keys = {key for view in VIEWS for key in view.keys}
    assert not keys & {name for view in VIEWS for name in view.features}


def test_the_time_in_the_cache_is_the_settings_then_the_views_then_the_default() -> None:
    options = FeatureOptions(cache_ttl_s={"user_profile": 0.0})
    assert options.ttl_s("user_profile") == 0.0
    assert options.ttl_s("user_activity") == CACHE_TTL_S["user_activity"]
    assert options.ttl_s("their_view") == DEFAULT_CACHE_TTL_S
