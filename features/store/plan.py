"""What is read: a feature service resolved to views, join keys, features and time to live, once at start."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from features.store.folder import repo_folder
from features.store.opening import find_service, quiet
from features.store.options import FeatureOptions
from features.store.values import KIND_OF_DTYPE
from features.views import Kind
from schemas.errors import Code, LackingError

JOIN_KEYS = ("user_id", "product_id")


class ViewPlan(Struct, frozen=True, kw_only=True, eq=False):
    """One view of the service. `name` is its name in rows (an alias, where the service gives one).

    `join_key` is what callers ask with, `stored_key` the view's own column, which a service may map to it. `key_type`
    and the values of `types` are Feast's value types. `ttl_ms` is 0 where values never grow stale. `view` is Feast's
    own object; `computed` says that it is an on-demand view, which only Feast can read.
    """

    name: str
    join_key: str
    stored_key: str
    key_type: str
    types: dict[str, str]
    ttl_ms: int
    view: Any
    aliased: bool
    computed: bool

    @property
    def kinds(self) -> dict[str, Kind]:
        """{feature: kind}, as segment rules see it."""
        return {name: KIND_OF_DTYPE.get(kind, "str") for name, kind in self.types.items()}


def resolve(store: Any, options: FeatureOptions) -> tuple[Any, tuple[ViewPlan, ...]]:
    """The service and its views in the service's order.

    Raises LackingError (store_unsuitable) for a view that is not about a shopper or a product alone, naming it.
    """
    service = find_service(store, options)
    where = f"features.service {options.service} ({repo_folder(options)})"
    with quiet():
        plans = tuple(_plan(store, projection, where) for projection in service.feature_view_projections)
    if not plans:
        raise LackingError(Code.STORE_UNSUITABLE, "the feature service has no views", where=where, hint="add views")
    return service, plans


def _plan(store: Any, projection: Any, where: str) -> ViewPlan:
    from feast import OnDemandFeatureView

    name = projection.name_to_use()
    view = store.registry.get_any_feature_view(projection.name, store.project, allow_cache=True)
    computed = isinstance(view, OnDemandFeatureView)
    columns = _source_columns(store, view, name, where) if computed else list(view.entity_columns)
    mapping = dict(projection.join_key_map)
    asked = [mapping.get(column.name, column.name) for column in columns]
    if len(asked) != 1 or asked[0] not in JOIN_KEYS:
        raise LackingError(
            Code.STORE_UNSUITABLE,
            f"view {name!r} has join keys {_listed(asked)}; a decision knows user_id or product_id, one a view",
            where=where,
            hint="take the view out of the service, or key it by one of the two",
        )
    key_type = columns[0].dtype.to_value_type().name
    if key_type not in ("STRING", "INT64", "INT32"):
        raise LackingError(
            Code.STORE_UNSUITABLE,
            f"join key {columns[0].name!r} of view {name!r} is of type {key_type}",
            where=where,
            hint="use a STRING or INT64 entity",
        )
    ttl = getattr(view, "ttl", None)
    return ViewPlan(
        name=name,
        join_key=asked[0],
        stored_key=columns[0].name,
        key_type=key_type,
        types={field.name: field.dtype.to_value_type().name for field in projection.features},
        ttl_ms=int(ttl.total_seconds() * 1000) if ttl else 0,
        view=view,
        aliased=bool(projection.name_alias) or projection.version_tag is not None or bool(mapping),
        computed=computed,
    )


def _source_columns(store: Any, view: Any, name: str, where: str) -> list[Any]:
    """The entity columns that an on-demand view needs: those of its source views, each once."""
    if view.source_request_sources:
        raise LackingError(
            Code.STORE_UNSUITABLE,
            f"on-demand view {name!r} needs values from the request, which a decision does not have",
            where=where,
            hint="take the view out of the service",
        )
    columns: dict[str, Any] = {}
    for projection in view.source_feature_view_projections.values():
        source = store.registry.get_any_feature_view(projection.name, store.project, allow_cache=True)
        columns.update({column.name: column for column in source.entity_columns})
    return list(columns.values())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"
