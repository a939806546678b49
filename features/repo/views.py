"""The feature views and their sources, built from `features.views`.

Paths of parquet files are relative: Feast resolves them against the folder of `feature_store.yaml`. The files of views
that are only pushed need not exist.
"""

from datetime import timedelta

from feast import FeatureView, Field, FileSource, PushSource
from feast.types import Bool, Float64, Int64, String

from features.repo.entities import BY_JOIN_KEY
from features.views import VIEWS, ViewSpec

_TYPES = {"str": String, "int": Int64, "float": Float64, "bool": Bool}


def _file_source(spec: ViewSpec) -> FileSource:
    return FileSource(
        name=f"{spec.name}_file",
        path=f"offline/{spec.name}.parquet",
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
        description=f"rows of {spec.name} as they were loaded",
        owner=spec.owner,
    )


def _view(spec: ViewSpec) -> FeatureView:
    source = _file_source(spec)
    if spec.push:
        source = PushSource(name=f"{spec.name}_push", batch_source=source, owner=spec.owner)
    return FeatureView(
        name=spec.name,
        entities=[BY_JOIN_KEY[key] for key in spec.keys],
        ttl=timedelta(seconds=spec.ttl_s),
        schema=[Field(name=key, dtype=String) for key in spec.keys]
        + [Field(name=name, dtype=_TYPES[kind]) for name, kind in spec.features.items()],
        source=source,
        online=True,
        description=spec.about,
        owner=spec.owner,
        tags={"written_by": spec.owner, "mode": "push" if spec.push else "batch"},
    )


FEATURE_VIEWS = {spec.name: _view(spec) for spec in VIEWS}
SOURCES = [view.stream_source or view.batch_source for view in FEATURE_VIEWS.values()]
