"""The metric catalogue: every metric that a role may publish, as data.

Names follow `patter_<what>_<unit>[_total]`. Labels are bounded sets: never an id of a shopper or product, never text.
Dashboards, alerts and the docs are checked against this table.
"""

from typing import Literal

from msgspec import Struct


class Metric(Struct, frozen=True, kw_only=True):
    """One metric. `unit` is Prometheus' base unit or a noun; `buckets` belong to histograms."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    about: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def _geometric(first: float, factor: float, count: int) -> tuple[float, ...]:
    return tuple(round(first * factor**i, 7) for i in range(count))


# A stage of a batch takes 50 us to 1 s; two buckets an octave keep a quantile's error under 20 %.
STAGE_BUCKETS = _geometric(0.00005, 2**0.5, 30)
# From the event's arrival to its decision: 1 ms (nothing is faster) to half a minute (a restarted worker).
LATENCY_BUCKETS = _geometric(0.001, 2**0.5, 30)


def _counter(name: str, unit: str, about: str, *labels: str) -> Metric:
    return Metric(name=name, kind="counter", unit=unit, about=about, labels=labels)


def _gauge(name: str, unit: str, about: str, *labels: str) -> Metric:
    return Metric(name=name, kind="gauge", unit=unit, about=about, labels=labels)


def _histogram(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name=name, kind="histogram", unit="seconds", about=about, labels=labels, buckets=buckets)


CATALOGUE: tuple[Metric, ...] = (
    _counter("patter_records_in_total", "records", "records read from the role's input", "role"),
    _counter("patter_records_out_total", "records", "records published", "role", "topic"),
    _counter("patter_dlq_records_total", "records", "records set aside, by code", "role", "code"),
    _counter("patter_outcomes_total", "events", "how events were judged by serve", "role", "outcome"),
    _counter("patter_decisions_total", "decisions", "decisions by source and override", "role", "source", "override"),
    _counter("patter_batches_total", "batches", "batches by how they ended", "role", "outcome"),
    _counter("patter_rebalances_total", "rebalances", "assignments and revocations", "role", "kind"),
    _gauge("patter_lag_records", "records", "records between the role's position and the end", "role", "partition"),
    _gauge("patter_lag_seconds", "seconds", "age of the newest handled record while there is lag, else 0", "role"),
    _histogram("patter_stage_duration_seconds", "time of one stage of a batch", STAGE_BUCKETS, "role", "stage"),
    _histogram("patter_decision_latency_seconds", "event's Kafka time to its batch's commit", LATENCY_BUCKETS, "role"),
    _gauge("patter_busy_ratio", "ratio", "share of the last seconds not spent waiting for records", "role"),
    _gauge("patter_handled_rate", "records per second", "records handled a second, lately", "role"),
    _counter("patter_pool_lookups_total", "lookups", "pool lookups, hit or miss", "role", "result"),
    _gauge("patter_pool_entries", "entries", "pool entries that the role holds", "role"),
    _gauge("patter_catalogue_products", "products", "products that the role holds", "role"),
    _gauge("patter_broadcast_age_seconds", "seconds", "time since a broadcast state was known whole", "role", "state"),
    _counter("patter_generation_requests_total", "requests", "what became of copy requests", "role", "outcome"),
    _counter("patter_generation_copies_total", "copies", "texts written, by verdict code", "role", "code"),
    _counter("patter_generation_tokens_total", "tokens", "tokens written", "role"),
    _gauge("patter_generation_provider_info", "info", "1 for the provider that runs the model", "role", "provider"),
    _histogram("patter_generation_duration_seconds", "time of one generation batch", STAGE_BUCKETS, "role"),
    _counter("patter_feature_rows_total", "rows", "feature rows used, by state", "role", "view", "state"),
    _counter("patter_feature_cache_total", "rows", "feature cache lookups", "role", "result"),
    _counter("patter_feature_errors_total", "errors", "failed reads of the feature store", "role"),
    _counter("patter_feature_read_seconds_total", "seconds", "time spent in reads of the feature store", "role"),
    _counter("patter_feature_reads_total", "reads", "reads of the feature store", "role"),
    _gauge("patter_feature_age_seconds", "seconds", "age of the oldest feature row of the last batch", "role", "view"),
    _gauge("patter_policy_version", "version", "version of the policy in use", "role"),
    _gauge("patter_policy_age_seconds", "seconds", "age of the policy in use", "role"),
    _counter("patter_feedback_total", "counts", "what collect counted, by the names of its total", "role", "kind"),
    _gauge("patter_shoppers", "shoppers", "shoppers that the role remembers", "role"),
    _gauge(
        "patter_reached_shoppers",
        "shoppers",
        "different shoppers ever, estimated: who saw copy, clicked, ordered",
        "role",
        "kind",
    ),
    _gauge("patter_cpu_seconds", "seconds", "processor time that the process has used", "role"),
    _gauge("patter_memory_bytes", "bytes", "resident memory of the process", "role"),
    _gauge("patter_ready", "bool", "1 where the role is ready", "role"),
    _gauge("patter_cells", "cells", "cells that the role holds", "role"),
    _gauge("patter_feedback_age_seconds", "seconds", "age of the newest event that collect counts", "role"),
    _gauge("patter_aggregate_age_seconds", "seconds", "time since the newest event in the sums", "role"),
    _gauge("patter_arm_rate", "ratio", "an arm's rate over all its cohorts", "role", "arm", "rate"),
    _counter("patter_partials_total", "records", "records of partials by what became of them", "role", "outcome"),
    _counter("patter_copy_retired_total", "copies", "texts retired, by why they are worn", "role", "reason"),
    _gauge("patter_copy_worn_waiting", "copies", "worn texts that wait for another day's budget", "role"),
    _counter("patter_policy_failures_total", "failures", "times the policy writer had to begin anew", "role"),
    _counter("patter_feature_rows_written_total", "rows", "rows written to the feature store", "role", "view"),
    _counter("patter_feature_write_errors_total", "errors", "failed writes to the feature store", "role"),
)

BY_NAME: dict[str, Metric] = {metric.name: metric for metric in CATALOGUE}
