"""What dashboards and alerts ask for exists: metrics, labels, their values, and the pages that alerts point to."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.metrics import BY_NAME, Metric

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
ALERT_TESTS = DEPLOY / "prometheus" / "alerts.test.yml"

# Labels that Prometheus itself adds.
OF_THE_SCRAPE = {"instance", "job"}
NAME = re.compile(r"\bpatter_[a-z_]+\b")
SELECTOR = re.compile(r"\b(patter_[a-z_]+)\s*\{([^}]*)\}")
MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            yield f"{path.name}: {panel['title']}", panel


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


TARGETS = [(name, target) for name, panel in panels() for target in panel.get("targets", [])]
QUERIES = [(name, target["expr"]) for name, target in TARGETS] + [(rule["alert"], rule["expr"]) for rule in rules()]
BY_TITLE = pytest.mark.parametrize(
    ("name", "query"), QUERIES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(QUERIES)]
)


def metric_of(series: str) -> Metric | None:
    """The metric that a name in a query belongs to; a histogram is asked by the names of its parts, and only so."""
    for part in ("_bucket", "_sum", "_count"):
        found = BY_NAME.get(series.removesuffix(part)) if series.endswith(part) else None
        if found is not None and found.kind == "histogram":
            return found
    found = BY_NAME.get(series)
    return None if found is None or found.kind == "histogram" else found


def labels_of(series: str) -> set[str]:
    metric = metric_of(series)
    extra = {"le"} if series.endswith("_bucket") else set()
    return OF_THE_SCRAPE | extra | set(metric.labels if metric else ())


@cache
def words_of_the_code() -> frozenset[str]:
    """Every string literal that is one word; label values are among them."""
    sources = [
        path
        for part in ("schemas", "streams", "features", "inference", "patter")
        for path in (ROOT / part).rglob("*.py")
    ]
    return frozenset(word for path in sources for word in re.findall(r'"(\w+)"', path.read_text(encoding="utf-8")))


def faults(query: str) -> list[str]:
    """What a query names that does not exist."""
    found = []
    outside = re.sub(r'"[^"]*"', '""', query)
    series = set(NAME.findall(outside))
    found += [name for name in sorted(series) if metric_of(name) is None]
    for name, inside in SELECTOR.findall(query):
        for label, operator, value in MATCHER.findall(inside):
            if label not in labels_of(name):
                found.append(f"{name}{{{label}}}")
            words = value.split("|") if "~" in operator else [value]
            found += [f"{label}={word}" for word in words if word and word not in words_of_the_code()]
    known = set().union(*(labels_of(name) for name in series)) if series else set()
    for inside in GROUPING.findall(outside):
        found += [f"by {label}" for label in re.findall(r"\w+", inside) if label not in known]
    return found if series else [*found, "no metric"]


@BY_TITLE
def test_what_a_query_names_exists(name: str, query: str) -> None:
    assert faults(query) == []


@BY_TITLE
def test_a_counter_is_asked_for_its_rise(name: str, query: str) -> None:
    """Its value says how long the process has lived."""
    outside = re.sub(r'"[^"]*"', '""', query)
    for match in NAME.finditer(outside):
        metric = metric_of(match[0])
        if metric is not None and metric.kind in ("counter", "histogram"):
            assert re.search(r"\b(?:rate|increase)\s*\(\s*$", outside[: match.start()]), match[0]


def test_faults_are_found() -> None:
    assert faults("rate(patter_events_total[5m])") == ["patter_events_total"]
    assert faults("patter_stage_duration_seconds") == ["patter_stage_duration_seconds"]
    assert faults('patter_ready{user_id="serve"}') == ["patter_ready{user_id}"]
    assert faults('patter_ready{role=~"serve|waiter"}') == ["role=waiter"]
    assert faults("sum by (topic) (patter_ready)") == ["by topic"]
    assert faults("sum by (le) (patter_stage_duration_seconds_bucket)") == []
    assert faults('sum by (role, instance) (patter_ready{role="serve", instance=""})') == []
    assert faults("up == 0") == ["no metric"]


@pytest.mark.parametrize(("name", "target"), TARGETS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(TARGETS)])
def test_legends_use_labels_that_the_query_keeps(name: str, target: dict[str, Any]) -> None:
    kept = {label for inside in GROUPING.findall(target["expr"]) for label in re.findall(r"\w+", inside)}
    assert set(re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"])) <= kept


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_can_be_taken_to_any_grafana(path: Path) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    assert "id" not in board
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) > 10
    assert [variable["type"] for variable in board["templating"]["list"]] == ["datasource"]
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for target in panel.get("targets", []):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_panels_do_not_lie_on_each_other() -> None:
    for path in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not taken & cells, panel["title"]
            taken |= cells


# --- alerts ----------------------------------------------------------------------------------------------------------


def heads(path: Path) -> set[str]:
    found = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in found}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do_and_where_it_is_told(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "warn")
    assert rule["for"]
    assert len(rule["annotations"]["summary"]) > 40
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor == rule["alert"].lower()
    assert anchor in heads(ROOT / page)


def test_every_alert_is_tried_firing_and_quiet() -> None:
    """By promtool, in tests/integration/test_prometheus.py."""
    fires, quiet = set(), set()
    for case in yaml.safe_load(ALERT_TESTS.read_text(encoding="utf-8"))["tests"]:
        for each in case["alert_rule_test"]:
            (fires if each.get("exp_alerts") else quiet).add(each["alertname"])
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    assert fires == quiet == set(names)


def test_what_compose_and_grafana_mount_is_there() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    mounted = [
        volume.split(":")[0]
        for name in ("prometheus", "grafana")
        for volume in services[name]["volumes"]
        if volume.startswith("./")
    ]
    assert mounted
    assert [path for path in mounted if not (DEPLOY / path).exists()] == []
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/patter.yml").read_text(encoding="utf-8"))
    folder = provider["providers"][0]["options"]["path"]
    assert any(volume.split(":")[1].startswith(f"{folder}/") for volume in services["grafana"]["volumes"])
