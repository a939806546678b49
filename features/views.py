"""The feature views and services that Patter brings, as data: from here the Feast definitions are built.

Kept free of Feast so that rules can be checked and help printed without its import, which takes seconds.
"""

from typing import Literal

from msgspec import Struct

Kind = Literal["str", "int", "float", "bool"]

HOUR_S = 3_600
DAY_S = 24 * HOUR_S


class ViewSpec(Struct, frozen=True, kw_only=True):
    """One feature view. `keys` are join keys; `ttl_s` is how long values are true; `push` says that rows are pushed.

    Every feature is nullable. Money is in minor units of the row's `currency`.
    """

    name: str
    keys: tuple[str, ...]
    ttl_s: int
    push: bool
    batch: bool
    owner: str
    about: str
    features: dict[str, Kind]


class ServiceSpec(Struct, frozen=True, kw_only=True):
    """One feature service: what one consumer reads. A change of its features is a new service with a new number."""

    name: str
    views: tuple[str, ...]
    owner: str
    consumer: str
    about: str


VIEWS: tuple[ViewSpec, ...] = (
    ViewSpec(
        name="user_profile",
        keys=("user_id",),
        # A shop that exports its shoppers monthly still has fresh profiles; older ones are shown as stale.
        ttl_s=30 * DAY_S,
        push=False,
        batch=True,
        owner="crm",
        about="what the shop knows of a shopper from its customer base, exported in batches",
        features={
            "segment_hint": "str",
            "favourite_category": "str",
            "orders_90d": "int",
            "days_since_order": "int",
            "avg_order_minor": "int",
            "currency": "str",
            "discount_share": "float",
            "loyalty_tier": "str",
            "locale": "str",
            "signup_days": "int",
        },
    ),
    ViewSpec(
        name="user_activity",
        keys=("user_id",),
        ttl_s=24 * HOUR_S,
        push=True,
        batch=False,
        owner="stream",
        about="what a shopper did lately, counted from the event stream; absolute values",
        features={
            "views_1h": "int",
            "views_24h": "int",
            "carts_24h": "int",
            "impressions_24h": "int",
            "clicks_24h": "int",
            "orders_30d": "int",
            "last_category": "str",
        },
    ),
    ViewSpec(
        name="product_catalog",
        keys=("product_id",),
        ttl_s=7 * DAY_S,
        push=True,
        batch=True,
        owner="merchandising",
        # No price: a price that is shown comes from the catalogue topic alone, which is seconds old at most.
        about="what a choice may depend on about a product; facts that copy states are in the catalogue topic",
        features={
            "category": "str",
            "margin_class": "str",
            "rating": "float",
            "stock": "int",
            "discount_percent": "float",
            "views_24h": "int",
            "orders_7d": "int",
        },
    ),
    ViewSpec(
        name="copy_stats",
        keys=("variant_id", "segment_id"),
        ttl_s=7 * DAY_S,
        push=True,
        batch=False,
        owner="learn",
        about="what a variant's copy did in a segment: cumulative counts of decisions, and their rates",
        features={
            "impressions": "int",
            "clicks": "int",
            "carts": "int",
            "orders": "int",
            "revenue_minor": "int",
            "ctr": "float",
            "order_per_impression": "float",
        },
    ),
    ViewSpec(
        name="segment_stats",
        keys=("segment_id",),
        ttl_s=7 * DAY_S,
        push=True,
        batch=False,
        owner="learn",
        about="what copy of any variant did in a segment: cumulative counts of decisions, and their rates",
        features={
            "impressions": "int",
            "clicks": "int",
            "carts": "int",
            "orders": "int",
            "revenue_minor": "int",
            "ctr": "float",
            "order_per_impression": "float",
        },
    ),
)

SERVICES: tuple[ServiceSpec, ...] = (
    ServiceSpec(
        name="decision_context_v1",
        views=("user_profile", "user_activity", "product_catalog"),
        owner="stream",
        consumer="serve",
        about="all that a decision may depend on: the shopper and the product",
    ),
    ServiceSpec(
        name="copy_metrics_v1",
        views=("copy_stats", "segment_stats"),
        owner="learn",
        consumer="dashboards",
        about="how copy does, by variant and segment",
    ),
)

BY_NAME: dict[str, ViewSpec] = {view.name: view for view in VIEWS}


def known_features(service: str) -> dict[str, dict[str, Kind]] | None:
    """{view: {feature: kind}} of one of Patter's services: what segment rules may name; None for another's."""
    for spec in SERVICES:
        if spec.name == service:
            return {name: dict(BY_NAME[name].features) for name in spec.views}
    return None
