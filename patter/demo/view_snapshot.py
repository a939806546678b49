"""One moment of a run, as it is shown: made of the roles' metrics now and a few seconds ago."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from patter.demo.recount_figures import percentile
from patter.demo.view_metrics import Metrics, quantiles, rise, split, total, value

ROLES = ("serve", "generate", "collect", "learn")
_NOTHING: Metrics = {}


class Scrape(Struct, frozen=True):
    """The metrics of every role that answered, and when that was, in seconds of any clock that does not go back."""

    at_s: float
    roles: Mapping[str, Metrics]


class RunState(Struct, frozen=True, kw_only=True):
    """What the run knows without asking a role.

    `seconds` is how long the input lasts, None where that is open. `phase` says what goes on: input, drain, hold.
    `delays_ms` are what a reader of decisions saw in the last seconds, counted from when an event was due; empty where
    nobody measures.
    """

    elapsed_s: float
    seconds: float | None
    phase: str
    offered_per_s: float
    sent: int
    broker: str
    restarts: Mapping[str, int]
    delays_ms: Sequence[float] = ()


class RoleLoad(Struct, frozen=True, kw_only=True):
    """How a role is. None: it did not answer."""

    role: str
    up: bool
    busy: float | None
    handled_per_s: float | None
    lag_records: float | None
    lag_s: float | None
    restarts: int


class Snapshot(Struct, frozen=True, kw_only=True):
    """What the view shows.

    Rates and quantiles are of the last few seconds. Latencies are the run's delays where it has any, else serve's own:
    from an event's Kafka time to the commit of its batch. `features` and `outcomes` are shares of 1 by state and
    outcome; `dlq` and `decisions` are counted since the roles started.
    """

    run: RunState
    handled_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    decisions: int
    outcomes: Mapping[str, float]
    model_share: float | None
    dlq: int
    pool_entries: int | None
    pool_hit_rate: float | None
    copies_per_s: float
    tokens_per_s: float
    copies: int
    rejected: int
    features: Mapping[str, float]
    cache_hit_rate: float | None
    feature_errors: int
    roles: tuple[RoleLoad, ...]


def snapshot_from(now: Scrape, earlier: Scrape | None, run: RunState) -> Snapshot:
    """The moment `now`; `earlier` is a scrape of a few seconds before, None at the start."""
    before = earlier or Scrape(now.at_s, {})
    serve, serve_before = now.roles.get("serve", _NOTHING), before.roles.get("serve", _NOTHING)
    writer, writer_before = now.roles.get("generate", _NOTHING), before.roles.get("generate", _NOTHING)
    seconds = now.at_s - before.at_s
    p50_ms, p99_ms = _latency(serve, serve_before, run)
    written = split(writer, "patter_generation_copies_total", "code")
    hits = _risen(serve, serve_before, "patter_pool_lookups_total", result="hit")
    misses = _risen(serve, serve_before, "patter_pool_lookups_total", result="miss")
    cached = _risen(serve, serve_before, "patter_feature_cache_total", result="hit")
    asked = cached + _risen(serve, serve_before, "patter_feature_cache_total", result="miss")
    model = _risen(serve, serve_before, "patter_decisions_total", source="model")
    template = _risen(serve, serve_before, "patter_decisions_total", source="template")
    entries = value(serve, "patter_pool_entries")
    return Snapshot(
        run=run,
        handled_per_s=_per_s(_risen(serve, serve_before, "patter_records_in_total"), seconds),
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        decisions=int(total(serve, "patter_decisions_total")),
        outcomes=_shares(split(serve, "patter_outcomes_total", "outcome")),
        model_share=_share(model, model + template),
        dlq=int(sum(total(metrics, "patter_dlq_records_total") for metrics in now.roles.values())),
        pool_entries=None if entries is None else int(entries),
        pool_hit_rate=_share(hits, hits + misses),
        copies_per_s=_per_s(_risen(writer, writer_before, "patter_generation_copies_total", code="admitted"), seconds),
        tokens_per_s=_per_s(_risen(writer, writer_before, "patter_generation_tokens_total"), seconds),
        copies=int(written.pop("admitted", 0)),
        rejected=int(sum(written.values())),
        features=_shares(_states(serve, serve_before)),
        cache_hit_rate=_share(cached, asked),
        feature_errors=int(total(serve, "patter_feature_errors_total")),
        roles=tuple(_load(role, now.roles.get(role), run) for role in ROLES),
    )


def _latency(serve: Metrics, before: Metrics, run: RunState) -> tuple[float | None, float | None]:
    if run.delays_ms:
        ordered = sorted(run.delays_ms)
        return percentile(ordered, 0.5), percentile(ordered, 0.99)
    p50, p99 = quantiles(serve, before, "patter_decision_latency_seconds", (0.5, 0.99))
    return None if p50 is None else p50 * 1000, None if p99 is None else p99 * 1000


def _load(role: str, metrics: Metrics | None, run: RunState) -> RoleLoad:
    known = metrics or _NOTHING
    return RoleLoad(
        role=role,
        up=metrics is not None,
        busy=value(known, "patter_busy_ratio"),
        handled_per_s=None if metrics is None else total(known, "patter_handled_rate"),
        lag_records=None if metrics is None else total(known, "patter_lag_records"),
        lag_s=value(known, "patter_lag_seconds"),
        restarts=run.restarts.get(role, 0),
    )


def _states(now: Metrics, before: Metrics) -> dict[str, float]:
    earlier = split(before, "patter_feature_rows_total", "state")
    counts = split(now, "patter_feature_rows_total", "state")
    return {state: rise(count, earlier.get(state, 0.0)) for state, count in counts.items()}


def _risen(now: Metrics, before: Metrics, name: str, **labels: str) -> float:
    return rise(total(now, name, **labels), total(before, name, **labels))


def _per_s(amount: float, seconds: float) -> float:
    return amount / seconds if seconds > 0 else 0.0


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _shares(counts: Mapping[str, float]) -> dict[str, float]:
    whole = sum(counts.values())
    return {name: count / whole for name, count in counts.items() if count} if whole else {}
