"""The feature services: versioned lists of what one consumer reads, built from `features.views`."""

from feast import FeatureService

from features.repo.views import FEATURE_VIEWS
from features.views import SERVICES

FEATURE_SERVICES = {
    spec.name: FeatureService(
        name=spec.name,
        features=[FEATURE_VIEWS[view] for view in spec.views],
        description=spec.about,
        owner=spec.owner,
        tags={"consumer": spec.consumer, "version": spec.name.rpartition("_v")[2]},
    )
    for spec in SERVICES
}
