"""The view: figures from real metric pages, one screen on a terminal, plain lines elsewhere, a summary without gaps."""

import io
from typing import Any

import pytest
from prometheus_client import generate_latest
from rich.console import Console

from patter.demo.view import LiveView, RunState, Scrape, Snapshot, parse_metrics, snapshot_from, summary
from patter.demo.view_metrics import quantiles, rise, split, total, value
from patter.demo.view_panel import bar, line, panel, sparkline
from patter.telemetry.prometheus import PrometheusMetrics

LATENCY = "patter_decision_latency_seconds"


def _page(metrics: PrometheusMetrics) -> dict[str, Any]:
    return parse_metrics(generate_latest(metrics.registry).decode())


def _run(elapsed_s: float = 7.0, **changes: Any) -> RunState:
    base = {"seconds": 45.0, "phase": "input", "offered_per_s": 400.0, "sent": 2800, "broker": "embedded"}
    return RunState(**{"elapsed_s": elapsed_s, "restarts": {"generate": 2}, **base, **changes})


def _scrape(at_s: float, serve: PrometheusMetrics, generate: PrometheusMetrics | None = None) -> Scrape:
    roles = {"serve": _page(serve)}
    if generate is not None:
        roles["generate"] = _page(generate)
    return Scrape(at_s, roles)


@pytest.fixture
def serve() -> PrometheusMetrics:
    metrics = PrometheusMetrics("serve")
    metrics.add("patter_records_in_total", 100, role="serve")
    metrics.add("patter_outcomes_total", 80, role="serve", outcome="decision")
    metrics.add("patter_outcomes_total", 20, role="serve", outcome="not_trigger")
    metrics.add("patter_decisions_total", 60, role="serve", source="model", override="")
    metrics.add("patter_decisions_total", 15, role="serve", source="template", override="")
    metrics.add("patter_decisions_total", 5, role="serve", source="none", override="holdout")
    metrics.add("patter_pool_lookups_total", 30, role="serve", result="hit")
    metrics.add("patter_pool_lookups_total", 10, role="serve", result="miss")
    metrics.add("patter_feature_cache_total", 9, role="serve", result="hit")
    metrics.add("patter_feature_cache_total", 1, role="serve", result="miss")
    metrics.add("patter_feature_rows_total", 3, role="serve", view="user_profile", state="fresh")
    metrics.add("patter_feature_rows_total", 1, role="serve", view="user_profile", state="missing")
    metrics.add("patter_dlq_records_total", 4, role="serve", code="undecodable")
    metrics.set("patter_pool_entries", 210, role="serve")
    metrics.set("patter_busy_ratio", 0.31, role="serve")
    metrics.set("patter_handled_rate", 398, role="serve")
    metrics.set("patter_lag_records", 7, role="serve", partition="0")
    metrics.set("patter_lag_records", 5, role="serve", partition="1")
    metrics.set("patter_lag_seconds", 0.2, role="serve")
    for seconds in (0.010, 0.012, 0.014, 0.5):
        metrics.observe(LATENCY, seconds, role="serve")
    return metrics


def test_sums_splits_and_gauges(serve: PrometheusMetrics) -> None:
    page = _page(serve)
    assert total(page, "patter_decisions_total") == 80
    assert total(page, "patter_decisions_total", source="model") == 60
    assert split(page, "patter_decisions_total", "source") == {"model": 60, "template": 15, "none": 5}
    assert total(page, "patter_lag_records") == 12
    assert value(page, "patter_pool_entries") == 210
    assert value(page, "patter_policy_version", role="other") is None


def test_a_page_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_metrics("# HELP\nthis is {no page")


def test_a_counter_that_fell_was_restarted() -> None:
    assert rise(10, 4) == 6
    assert rise(3, 4) == 3


def test_quantiles_are_of_what_came_since(serve: PrometheusMetrics) -> None:
    before = _page(serve)
    p50, p99 = quantiles(before, {}, LATENCY, (0.5, 0.99))
    assert p50 is not None
    assert p99 is not None
    # A bucket's bounds are a factor of the root of two apart.
    assert 0.010 / 1.42 <= p50 <= 0.014 * 1.42
    assert 0.5 / 1.42 <= p99 <= 0.5 * 1.42
    assert quantiles(before, before, LATENCY, (0.5,)) == [None]
    for _ in range(100):
        serve.observe(LATENCY, 0.1, role="serve")
    (later,) = quantiles(_page(serve), before, LATENCY, (0.5,))
    assert later is not None
    assert 0.1 / 1.42 <= later <= 0.1 * 1.42
    serve.observe(LATENCY, 1e6, role="serve")
    (beyond,) = quantiles(_page(serve), _page(serve), LATENCY, (1.0,))
    assert beyond is None


def test_above_the_last_bucket_the_last_bound_is_told() -> None:
    metrics = PrometheusMetrics("serve")
    metrics.observe(LATENCY, 1e6, role="serve")
    (found,) = quantiles(_page(metrics), {}, LATENCY, (0.5,))
    assert found is not None
    assert 20 < found < 40


def test_a_snapshot_from_pages_of_the_roles(serve: PrometheusMetrics) -> None:
    generate = PrometheusMetrics("generate")
    generate.add("patter_generation_copies_total", 40, role="generate", code="admitted")
    generate.add("patter_generation_copies_total", 3, role="generate", code="copy_claim")
    earlier = _scrape(10.0, serve, generate)
    serve.add("patter_records_in_total", 800, role="serve")
    serve.add("patter_pool_lookups_total", 30, role="serve", result="miss")
    serve.add("patter_decisions_total", 10, role="serve", source="template", override="")
    generate.add("patter_generation_copies_total", 60, role="generate", code="admitted")
    generate.add("patter_generation_tokens_total", 1800, role="generate")
    generate.add("patter_dlq_records_total", 1, role="generate", code="undecodable")
    generate.set("patter_busy_ratio", 0.99, role="generate")
    snapshot = snapshot_from(_scrape(12.0, serve, generate), earlier, _run())
    assert snapshot.handled_per_s == 400
    assert (snapshot.copies_per_s, snapshot.tokens_per_s) == (30, 900)
    assert (snapshot.copies, snapshot.rejected) == (100, 3)
    assert (snapshot.pool_entries, snapshot.pool_hit_rate) == (210, 0.0)
    assert (snapshot.decisions, snapshot.model_share, snapshot.dlq) == (90, 0.0, 5)
    assert snapshot.outcomes == {"decision": 0.8, "not_trigger": 0.2}
    assert snapshot.p50_ms is None
    first, second = snapshot.roles[:2]
    assert (first.role, first.up, first.busy, first.lag_records, first.lag_s, first.restarts) == (
        "serve",
        True,
        0.31,
        12,
        0.2,
        0,
    )
    assert (second.busy, second.restarts) == (0.99, 2)


def test_the_first_moment_and_a_role_that_is_away(serve: PrometheusMetrics) -> None:
    snapshot = snapshot_from(_scrape(10.0, serve), None, _run())
    assert snapshot.handled_per_s == 0.0
    assert snapshot.features == {"fresh": 0.75, "missing": 0.25}
    assert snapshot.p99_ms is not None
    assert [load.up for load in snapshot.roles] == [True, False, False, False]
    assert "generate does not answer" in line(snapshot)
    nothing = snapshot_from(Scrape(1.0, {}), None, _run(seconds=None))
    assert (nothing.pool_entries, nothing.pool_hit_rate, nothing.outcomes) == (None, None, {})


def test_delays_that_a_reader_measured_go_before_the_roles_own(serve: PrometheusMetrics) -> None:
    snapshot = snapshot_from(_scrape(10.0, serve), None, _run(delays_ms=[30.0, 10.0, 20.0]))
    assert (snapshot.p50_ms, snapshot.p99_ms) == (20.0, 30.0)


def test_bars_and_sparklines() -> None:
    assert bar(0.5, 4) == "██░░"
    assert bar(7.0, 4) == "████"
    assert bar(-1.0, 4) == "░░░░"
    assert sparkline([0, 4, 8]) == "▁▅█"
    assert sparkline([]) == sparkline([0, 0]) == ""


def _shown(snapshot: Snapshot, *, terminal: bool, width: int = 100, times: int = 1) -> str:
    out = io.StringIO()
    with LiveView(Console(file=out, force_terminal=terminal, width=width, height=50)) as view:
        for _ in range(times):
            view.update(snapshot)
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_terminal_view_fits_and_shows_what_matters(serve: PrometheusMetrics, width: int) -> None:
    console = Console(file=io.StringIO(), width=width, height=50, force_terminal=False)
    console.print(panel(snapshot_from(_scrape(10.0, serve), None, _run()), [1.0, 2.0]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(len(row) <= width for row in text.splitlines())
    for part in (
        "offered 400",
        "outcomes",
        "p50",
        "210 texts",
        "hit rate 75%",
        "31%",
        "does not answer",
        "does not isolate",
    ):
        assert part in text
    assert "events/s" in _shown(snapshot_from(_scrape(10.0, serve), None, _run()), terminal=True, width=width)


def test_without_a_terminal_a_line_every_five_seconds(serve: PrometheusMetrics) -> None:
    out = io.StringIO()
    with LiveView(Console(file=out, force_terminal=False, width=60)) as view:
        for second in range(12):
            view.update(snapshot_from(_scrape(10.0, serve), None, _run(float(second))))
    lines = out.getvalue().splitlines()
    assert [text.split(",")[0] for text in lines] == ["0 s", "5 s", "10 s"]
    assert all("serve busy 31% lag 12" in text for text in lines)


RESULT: dict[str, Any] = {
    "run": {"id": "r1"},
    "failures": [],
    "broker": {"kind": "embedded"},
    "serve": {
        "events_in": 18240,
        "decisions": 14001,
        "duplicates": 200,
        "not_trigger": 3720,
        "suppressed": 279,
        "dlq": 40,
        "pending": 0,
    },
    "dlq": {"records": 40, "by_code": {"undecodable": 30, "time_absurd": 10}},
    "render": {"model": 9, "template": 1, "none": 0, "warm_at_s": 20.0, "model_share_warm": 0.9},
    "event_to_decision_ms": {"p50": 21.25, "p95": 30.0, "p99": 50.0, "max": 100.0, "n": 3},
    "copies": [
        {
            "product_id": "D1",
            "segment": "new",
            "variant": "warm",
            "copy_id": "c",
            "text": "[red]Hi[/] {x}",
            "source": "model",
        }
    ],
}


def _summed(result: dict[str, Any], width: int = 100) -> str:
    out = io.StringIO()
    summary(result, Console(file=out, width=width), ".patter/demo.json")
    return " ".join(out.getvalue().split())


def test_the_summary_tells_the_counts_the_copy_and_the_limits() -> None:
    text = _summed(RESULT)
    for part in (
        "everything adds up",
        "18,240 in = 14,001 decisions + 200 duplicates",
        "undecodable 30, time_absurd 10",
        "model's share after 20 s: 90%",
        "p50 21.2 ms",
        "one product (D1) in each segment",
        "[red]Hi[/] {x}",
        "does not isolate transactions",
        ".patter/demo.json",
    ):
        assert part in text
    assert "NOT fine" not in text


def test_failures_stand_in_the_summary() -> None:
    text = _summed({**RESULT, "failures": ["pending: 3 events [x] have none"], "broker": {"kind": "remote"}})
    assert "NOT fine" in text
    assert "failed pending: 3 events [x] have none" in text
    assert "embedded" not in text


def test_an_empty_result_is_no_traceback() -> None:
    nulls = {name: {"p50": None} for name in ("serve", "dlq", "render", "pool", "generate", "features", "throughput")}
    for result in ({}, {**nulls, "broker": None, "copies": None}):
        assert "no copy was shown" in _summed(result, width=80)
