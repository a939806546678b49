"""Metrics speak the catalogue and nothing else; health says whether the loop comes round."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from patter.telemetry import health
from patter.telemetry.health import Health
from patter.telemetry.prometheus import PrometheusMetrics
from schemas.metrics import BY_NAME, CATALOGUE


def exposition(metrics: PrometheusMetrics) -> str:
    return generate_latest(metrics.registry).decode()


def sample(metrics: PrometheusMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_the_exposition_holds_the_whole_catalogue_and_nothing_more() -> None:
    families = {each.name: each for each in text_string_to_metric_families(exposition(PrometheusMetrics("serve")))}
    assert set(families) == {metric.name.removesuffix("_total") for metric in CATALOGUE}
    for metric in CATALOGUE:
        family = families[metric.name.removesuffix("_total")]
        assert family.type == metric.kind
        assert family.documentation == metric.about


def test_counters_gauges_and_histograms_count() -> None:
    metrics = PrometheusMetrics("serve")
    metrics.add("patter_dlq_records_total", 2, role="serve", code="too_large")
    metrics.add("patter_dlq_records_total", role="serve", code="too_large")
    metrics.set("patter_lag_records", 7, role="serve", partition="0")
    metrics.set("patter_lag_records", 4, role="serve", partition="0")
    metrics.observe("patter_stage_duration_seconds", 0.01, role="serve", stage="step")
    assert sample(metrics, "patter_dlq_records_total", role="serve", code="too_large") == 3
    assert sample(metrics, "patter_lag_records", role="serve", partition="0") == 4
    assert sample(metrics, "patter_stage_duration_seconds_count", role="serve", stage="step") == 1
    assert sample(metrics, "patter_stage_duration_seconds_sum", role="serve", stage="step") == 0.01


def test_a_histogram_has_the_catalogue_s_buckets() -> None:
    metrics = PrometheusMetrics("serve")
    metrics.observe("patter_stage_duration_seconds", 0.01, role="serve", stage="step")
    bounds = [
        float(each.labels["le"])
        for family in metrics.registry.collect()
        for each in family.samples
        if each.name == "patter_stage_duration_seconds_bucket"
    ]
    assert bounds == [*BY_NAME["patter_stage_duration_seconds"].buckets, float("inf")]


def test_the_process_reports_its_own_cost() -> None:
    metrics = PrometheusMetrics("serve")
    assert (sample(metrics, "patter_memory_bytes", role="serve") or 0) > 1_000_000
    assert (sample(metrics, "patter_cpu_seconds", role="serve") or 0) > 0


def test_an_unknown_name_is_a_bug() -> None:
    with pytest.raises(KeyError):
        PrometheusMetrics("serve").add("patter_things_total", role="serve")


@pytest.mark.parametrize(
    "labels", [{}, {"role": "serve", "topic": "t", "user_id": "u"}, {"role": "serve", "user": "u"}]
)
def test_unknown_or_missing_labels_are_a_bug(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="label"):
        PrometheusMetrics("serve").add("patter_records_out_total", 1, **labels)


def test_a_counter_is_no_gauge() -> None:
    metrics = PrometheusMetrics("serve")
    with pytest.raises(AssertionError):
        metrics.set("patter_records_in_total", 1, role="serve")
    with pytest.raises(AssertionError):
        metrics.add("patter_ready", role="serve")


def test_health_is_live_while_the_loop_comes_round(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(health.time, "monotonic", lambda: now)
    state = Health()
    assert state.live()
    assert not state.ready
    state.beat(ready=True)
    assert state.ready
    now += health.LIVE_WITHIN_S - 1
    assert state.live()
    now += 2
    assert not state.live()
    state.beat(ready=False)
    assert state.live()
    assert not state.ready
