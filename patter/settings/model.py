"""The shape of `patter.toml`. Every field says how to choose its value; `docs/reference/settings.md` lists them all."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from schemas.events import KINDS
from schemas.topics import BY_LOGICAL

Name = Annotated[str, Field(min_length=1, max_length=256)]
# A variant's name is part of a Kafka key and of metric labels.
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaPart(_Part):
    bootstrap: Name = Field("127.0.0.1:29092", description="HOST:PORT of a broker; more than one, separated by commas.")
    delivery: Literal["exactly_once", "at_least_once"] = Field(
        "exactly_once", description="at_least_once where the broker has no transactions, or a few ms matter more."
    )
    client: dict[str, str] = Field(
        default_factory=dict, description="librdkafka keys as they are: SASL, TLS, timeouts. Also given to Faust."
    )
    incarnation: str = Field(
        "", description="Names the life of the topics where the broker gives them no ids, as the embedded one."
    )


class TopicPart(_Part):
    name: Name | None = Field(None, description="The topic's name where it is not Patter's own.")
    partitions: int | None = Field(
        None, ge=1, le=10_000, description="Two to four for each worker that there may ever be; fixed at creation."
    )


class FeaturesPart(_Part):
    repo_path: str | None = Field(None, description="Folder of your own Feast repository; its views replace Patter's.")
    service: Name = Field("decision_context_v1", description="The feature service that serve reads.")
    store: Literal["sqlite", "redis"] = Field("sqlite", description="redis as soon as two machines serve.")
    redis: str = Field("127.0.0.1:6379", description="Feast's Redis connection string, without time-outs.")
    cache_entries: int = Field(100_000, ge=1, description="Rows kept per view; about 1 KB each.")
    cache_ttl_s: dict[str, float] = Field(
        default_factory=dict, description="How old a cached row of a view may be; the staleness that you accept."
    )
    max_stale_s: float = Field(600.0, ge=0, description="How old cached rows may get while the store is away.")
    read_timeout_ms: int = Field(
        250, ge=1, description="A read that takes longer is an error; its decisions use defaults."
    )
    outage: Literal["fail_open", "pause"] = Field(
        "fail_open", description="pause where a decision without context is worse than a late one."
    )


class ConditionPart(_Part):
    feature: Name = Field(description="view:name, as Feast calls it.")
    op: Literal[">=", ">", "<=", "<", "==", "!=", "in", "not_in", "exists"] = Field(
        description="in and not_in take a list; exists takes true or false."
    )
    value: bool | int | float | str | list[str] | list[int] | list[float] | None = Field(
        None, description="What the feature is compared with, of the feature's own type."
    )


class SegmentPart(_Part):
    name: Label = Field(description="The segment; several rules may lead to the same one.")
    all: list[ConditionPart] = Field(default_factory=list, description="Every one of these holds.")
    any: list[ConditionPart] = Field(default_factory=list, description="At least one of these holds.")


class VariantPart(_Part):
    name: Label = Field(description="The arm's name in decisions, pool and reports; never reuse one for another style.")
    tone: Name = Field(description="One of the bundle's tones: `patter bundle show` lists them.")
    cta: Name = Field(description="One of the bundle's calls to action.")
    length: Name = Field("short", description="One of the bundle's lengths.")


class ExperimentPart(_Part):
    name: Name = Field("default", description="What decisions and reports call it.")
    version: int = Field(1, ge=1, description="Raise it with every change of arms or shares.")
    salt: Name = Field("patter", description="Never change it while the experiment runs: it decides who is held out.")
    holdout: Share = Field(
        0.05, description="Share of shoppers who see no copy: what all of it is worth is measured on them."
    )


class PolicyPart(_Part):
    epsilon: Share = Field(
        0.05, description="Share spread evenly over the arms, so that none is ever given up for good."
    )
    draws: int = Field(
        512,
        ge=16,
        le=65536,
        description="Posterior draws per cell; more make propensities finer and the first look at a cell dearer.",
    )


class CapPart(_Part):
    feature: Name = Field(description="view:name of a count of impressions.")
    limit: float = Field(gt=0, description="From this count on the shopper is left in peace.")


class ServePart(_Part):
    triggers: list[Name] = Field(
        default_factory=lambda: ["product_viewed", "list_viewed", "cart_added"],
        description="Kinds of events that ask for a decision.",
    )
    batch_ms: int = Field(25, ge=1, le=5_000, description="10 ms is the least that a small broker bears.")
    batch_records: int = Field(2_000, ge=1, le=100_000, description="What closes a batch before its time is over.")
    seen_window: int = Field(
        200_000, ge=1, description="Offsets of a partition in which a repeated event_id is a duplicate."
    )
    channel: Name = Field("push", description="Where the copy is shown; it sets the length limit.")
    locale: Name = Field("en", description="The language of the copy; the starter bundle writes en.")
    bots: list[Name] = Field(
        default_factory=list, description="Parts of user agents that are tagged besides those of the rules on agents."
    )
    frequency_cap: CapPart | None = Field(None, description="Leave it out to show copy however often.")
    show_out_of_stock: bool = Field(False, description="Whether copy is shown for a product whose `stock` is 0.")
    miss_quiet_s: float = Field(60.0, gt=0, description="A missing text is asked for once in this time.")


class AgentsPart(_Part):
    rules: str | None = Field(
        None, description="A TOML file of rules that tell bots (docs/agents.md); those that ship with Patter otherwise."
    )
    watch: bool = Field(
        True, description="Whether shoppers are tagged for what they do; false where a load test acts as shoppers."
    )


class GeneratePart(_Part):
    provider: Literal["auto", "cpu", "cuda"] = Field("auto", description="cuda demands a GPU and fails without one.")
    threads: int = Field(1, ge=1, le=64, description="One per process; more processes beat more threads.")
    batch: int = Field(32, ge=1, le=512, description="Texts written side by side.")
    tries: int = Field(8, ge=1, le=20, description="Texts written for a request before it is given up for a minute.")
    candidates: int = Field(2, ge=1, le=20, description="Texts wanted for a key; what is not shown stands by.")
    active: int = Field(1, ge=1, le=20, description="Of these so many are shown, by their reward.")
    creativity: Share = Field(
        0.5, description="lambda where no category has its own: 1 ranks by diversity, 0 by expected conversion."
    )
    review: Literal["auto", "sensitive", "all"] = Field(
        "auto", description="Which texts wait for a person: none, those with a sensitive word of the brand's, all."
    )
    expire_s: float = Field(600.0, gt=0, description="Requests older than this are dropped.")


class CollectPart(_Part):
    currency: Annotated[str, Field(min_length=3, max_length=3)] = Field(
        "USD", description="Orders in another currency are counted; their revenue is not."
    )
    lateness_days: float = Field(
        7.0, gt=0, le=30, description="How far behind the newest event one may come and count; memory grows with it."
    )
    batch_ms: int = Field(
        1_000, ge=50, le=5_000, description="Partials go out this often; a metric is that much older."
    )
    max_cells: int = Field(
        50_000, ge=1, description="Combinations of experiment, category, segment and variant; the rest is `other`."
    )
    max_copies: int = Field(
        50_000, ge=1, description="Combinations of experiment, category, segment and text; the rest is `other`."
    )


class LearnPart(_Part):
    reward: Literal["click", "order"] = Field("click", description="What policy, rates and regret are in.")
    every_s: float = Field(1.0, ge=1.0, description="The least time between two versions of the policy.")
    belief: Literal["arms", "attributes"] = Field(
        "arms", description="What is learned about: each arm, or tone, call and length (docs/policy.md#attributes)."
    )
    shrinkage: float = Field(
        20.0, ge=0, description="Impressions that a category's rate weighs in a segment of it; 0 for none."
    )
    half_life_days: float = Field(
        14.0,
        ge=0,
        description="After so many days a decision counts half; 0: nothing is forgotten (docs/policy.md#age).",
    )
    mature_hours: float = Field(
        48.0,
        ge=0,
        le=336,
        description="After so many hours a decision has all its successes; younger ones count less. 0: at once.",
    )
    refit_every_s: float = Field(
        60.0, ge=1.0, description="The least time between two fits of P_conv to copy's own clicks (docs/conversion.md)."
    )
    sharpness: float = Field(
        4.0, gt=0, description="What beliefs are multiplied by: 1 is plain Thompson sampling, above it explores less."
    )


class FatiguePart(_Part):
    enabled: bool = Field(True, description="Whether texts that have worn off are retired (docs/fatigue.md).")
    alpha: float = Field(
        0.01, gt=0, le=0.5, description="The chance that a text whose click rate never falls is ever retired for it."
    )
    drop: Share = Field(0.1, description="The least share of its click rate that a text has to lose.")
    spent: Share = Field(
        0.8, description="How familiar its segment is with a text that is retired for it; 1 for hardly ever."
    )
    looks: int = Field(1_000, ge=1, description="Impressions in a segment before a text can be too familiar.")
    a_day: int = Field(20, ge=0, description="Texts retired in a day (UTC), each in one segment.")
    entries_a_day: int = Field(
        1_000, ge=1, description="Pool entries that ask for new copy in a day; a text in more of them has its own day."
    )
    settle_hours: float = Field(
        24.0, ge=0, le=144, description="How long after its end a day is tested: its clicks have to come in."
    )
    every_s: float = Field(60.0, ge=0.1, description="The least time between two rounds while a backlog is counted.")


class BrakePart(_Part):
    run: int = Field(1_000, ge=1, description="Rejected records in a row that stop a worker.")
    ratio: Share = Field(0.5, description="Share of rejects in a window that stops a worker.")
    window: int = Field(2_000, ge=1, description="Records that the ratio is taken over.")


class TokenKeyPart(_Part):
    id: int = Field(ge=0, le=255, description="Stands in every token; never give it to another key.")
    ref: str = Field(
        pattern=r"^(env:.+|file:.+)$", description="env:NAME or file:PATH; the key itself never stands here."
    )


class TokensPart(_Part):
    active: int = Field(1, ge=0, le=255, description="The key that signs; during a rotation two are accepted.")
    keys: list[TokenKeyPart] = Field(
        default_factory=list, description="None: one is made in data_dir, good for one machine only."
    )


class MetricsPart(_Part):
    host: Name = Field("127.0.0.1", description="0.0.0.0 where Prometheus runs on another machine.")
    port: int = Field(0, ge=0, le=65535, description="0 takes a free one; `patter status` knows it.")


class Settings(BaseSettings):
    """Everything that can be set. Environment: PATTER_ and two underscores between parts (PATTER_KAFKA__BOOTSTRAP)."""

    model_config = SettingsConfigDict(env_prefix="PATTER_", env_nested_delimiter="__", extra="forbid", frozen=True)

    tenant: Name = Field("demo", description="Part of every decision id: two tenants never meet.")
    data_dir: Name = Field(".patter", description="Folder for what this machine keeps: store, logs, pids.")
    brand_rules: str | None = Field(
        None, description="A TOML file of your brand's rules (docs/write.md), which every text keeps; none otherwise."
    )
    bundle: str | None = Field(
        None, description="Folder of a model bundle; the starter that ships with Patter otherwise."
    )
    kafka: KafkaPart = KafkaPart()
    topics: dict[str, TopicPart] = Field(
        default_factory=dict, description="Other names and partition counts, by topic."
    )
    features: FeaturesPart = FeaturesPart()
    segment_version: Name = Field(
        "1", description="Raise it with every change of the rules; it stands in every decision."
    )
    segment_default: Label = Field("regular", description="The segment of a shopper whom no rule takes.")
    segment_unknown: Label = Field("new", description="The segment of a shopper of whom nothing is known.")
    segments: list[SegmentPart] | None = Field(None, description="Ordered rules, the first that holds wins.")
    variants: list[VariantPart] = Field(
        default_factory=lambda: [
            VariantPart(name="warm_discover", tone="warm", cta="discover", length="short"),
            VariantPart(name="bold_shop", tone="bold", cta="shop", length="short"),
            VariantPart(name="plain_none", tone="plain", cta="none", length="medium"),
        ],
        min_length=1,
        description="The arms besides the template: style recipes, shared by all products.",
    )
    experiment: ExperimentPart = ExperimentPart()
    policy: PolicyPart = PolicyPart()
    serve: ServePart = ServePart()
    agents: AgentsPart = AgentsPart()
    generate: GeneratePart = GeneratePart()
    collect: CollectPart = CollectPart()
    learn: LearnPart = LearnPart()
    fatigue: FatiguePart = FatiguePart()
    brake: BrakePart = BrakePart()
    tokens: TokensPart = TokensPart()
    metrics: MetricsPart = MetricsPart()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the base class's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, so that one image runs everywhere."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        wrong = [
            f"topics.{name}: no such topic; there are {', '.join(BY_LOGICAL)}"
            for name in self.topics
            if name not in BY_LOGICAL
        ]
        wrong += [
            f"serve.triggers: {kind!r} is no kind that can ask for copy"
            for kind in self.serve.triggers
            if kind not in _TRIGGERS
        ]
        names = [variant.name for variant in self.variants]
        wrong += [f"variants[{i}].name: {name!r} stands twice" for i, name in enumerate(names) if name in names[:i]]
        wrong += [
            f"variants[{i}].name: 'template' is the control" for i, name in enumerate(names) if name == "template"
        ]
        ids = [key.id for key in self.tokens.keys]
        if ids and self.tokens.active not in ids:
            wrong.append(f"tokens.active: no key has the id {self.tokens.active}")
        if wrong:
            raise ValueError("\n".join(wrong))
        return self


_TRIGGERS = frozenset(KINDS) & {"product_viewed", "list_viewed", "cart_added"}
