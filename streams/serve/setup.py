"""What serve was told: settings, made ready for the hot path."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from inference.decide.assign import Experiment
from inference.generate.brand import BrandRules
from schemas.agents import AgentRules
from schemas.ports import FeatureValue

SegmentOf = Callable[[Mapping[str, Mapping[str, FeatureValue] | None]], str]


class FrequencyCap(Struct, frozen=True):
    """No copy for a shopper whose feature stands at or above `limit`. Approximate by the feature's delay."""

    view: str
    feature: str
    limit: float


class ServeTopics(Struct, frozen=True):
    """The names of serve's topics."""

    events: str
    decisions: str
    copy_requests: str
    codes: str
    dlq: str


class ServeSetup(Struct, frozen=True, kw_only=True):
    """Everything that serve's decisions depend on, besides events, features and states.

    `views` are (name, join key) pairs as the feature reader gives them; `max_chars` is the channel's limit; `agents`
    tell bots by their user agents (what they watch is collect's); `price_ms` bounds how old an unseen price may be;
    `rules` are the brand's, which the control keeps too; `conversion_version` is that of the bundle's P_conv, if any;
    `segments_see_products` where a segment rule looks at a feature of the product;
    `show_out_of_stock`: copy for a product of which nothing is left.
    """

    tenant: str
    worker: str
    topics: ServeTopics
    experiment: Experiment
    segment_of: SegmentOf
    segment_version: str
    segments_see_products: bool
    triggers: frozenset[str]
    agents: AgentRules
    cap: FrequencyCap | None
    channel: str
    locale: str
    max_chars: int
    views: tuple[tuple[str, str], ...]
    key_id: int
    key: bytes
    bundle_sha256: str
    conversion_version: str | None = None
    rules: BrandRules = BrandRules()
    seen_window: int = 200_000
    price_ms: int = 2_000
    miss_quiet_ms: int = 60_000
    show_out_of_stock: bool = False
