"""The committed rules and dashboards on a real Prometheus, which scrapes registries of all roles."""

import json
import math
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from patter.telemetry.health import Health, serve_health
from patter.telemetry.prometheus import PrometheusMetrics
from patter.telemetry.targets import FOLDER, announce, withdraw
from schemas.cells import TOTAL_COUNTERS
from schemas.metrics import CATALOGUE, Metric

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy" / "prometheus" / "prometheus.yml"
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
RULE_TESTS = ROOT / "deploy" / "prometheus" / "alerts.test.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "patter.json"
ROLES = ("serve", "generate", "collect", "learn", "intake")
# Two scrapes a second apart make a rate.
WINDOW = "15s"
PATIENCE_S = 60.0

# What the roles put into labels, as far as queries may tell it apart; elsewhere any word does.
VALUES = {
    "outcome": ("committed", "aborted", "decision", "duplicate", "written", "applied"),
    "result": ("hit", "miss"),
    "source": ("model", "template", "none"),
    "override": ("", "holdout"),
    "kind": (*TOTAL_COUNTERS, "assigned", "revoked"),
    "state": ("fresh", "stale", "catalog", "copy"),
    "rate": ("ctr", "order_per_impression"),
}


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def names_in(*places: str) -> set[str]:
    sources = [path for place in places for path in (ROOT / place).rglob("*.py")]
    return {name for path in sources for name in re.findall(r'"(patter_[a-z_]+)"', path.read_text(encoding="utf-8"))}


def metrics_of(role: str) -> list[Metric]:
    """Those that the role's code publishes: its own, its loop's, and its states'."""
    places = [f"streams/{role}"]
    if role != "learn":
        places.append("streams/kafka")
    if role in ("serve", "generate"):
        places.append("streams/broadcast")
    published = names_in(*places) | {"patter_ready"}
    return [metric for metric in CATALOGUE if metric.name in published]


def raise_all(metrics: PrometheusMetrics, role: str) -> None:
    """Move every series of the role."""
    for metric in metrics_of(role):
        others = [label for label in metric.labels if label != "role"]
        for values in product(*(VALUES.get(label, ("a", "b")) for label in others)):
            labels = dict(zip(others, values, strict=True)) | ({"role": role} if "role" in metric.labels else {})
            if metric.kind == "counter":
                metrics.add(metric.name, 10, **labels)
            elif metric.kind == "gauge":
                metrics.set(metric.name, 1.0, **labels)
            else:
                metrics.observe(metric.name, metric.buckets[4], **labels)


class Watch(NamedTuple):
    url: str
    data_dir: Path
    places: dict[str, Path]

    def get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=5) as answer:
            body = json.load(answer)
        assert body["status"] == "success", body
        return body["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return found

    def until(self, what: str, fine: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                if fine():
                    return
            except OSError:
                """Prometheus is not up yet."""
            time.sleep(0.1)
        raise AssertionError(f"not within {PATIENCE_S} s: {what}")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """Prometheus with the committed configuration, but looking every second, at roles of a folder of its own."""
    binary = program("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    servers, registries, places = [], {}, {}
    for role in ROLES:
        registries[role] = PrometheusMetrics(role)
        server = serve_health(registries[role], Health(), "127.0.0.1", 0)
        servers.append(server)
        places[role] = announce(folder, f"{role}-0", "127.0.0.1", server.server_port)

    stop = threading.Event()

    def work() -> None:
        # Rates are more than 0 and quantiles are numbers only while something happens.
        while not stop.wait(0.5):
            for role, metrics in registries.items():
                raise_all(metrics, role)

    working = threading.Thread(target=work, daemon=True)
    working.start()
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    [job] = config["scrape_configs"]
    del job["scrape_timeout"]
    [discovery] = job["file_sd_configs"]
    assert any(pattern.endswith(f"/{FOLDER}/*.json") for pattern in discovery["files"])
    discovery["files"] = [str(folder / FOLDER / "*.json")]
    discovery["refresh_interval"] = "1s"
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    watch = Watch(f"http://127.0.0.1:{port}", folder, places)
    try:
        watch.until("every role is scraped", lambda: len(watch.query("up == 1")) == len(ROLES))
        # Every role has been scraped twice.
        watch.until(
            "rates are known", lambda: len(watch.query(f"rate(patter_records_in_total[{WINDOW}]) > 0")) == len(ROLES)
        )
        yield watch
    finally:
        stop.set()
        working.join()
        process.terminate()
        process.wait(20)
        for server in servers:
            server.shutdown()
            server.server_close()


@pytest.mark.parametrize(
    "arguments", [("check", "rules", RULES), ("check", "config", CONFIG), ("test", "rules", RULE_TESTS)]
)
def test_promtool_has_nothing_to_say(arguments: tuple[str, str, Path]) -> None:
    done = subprocess.run([program("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout + done.stderr


def test_every_role_is_found_under_its_member_s_name(watch: Watch) -> None:
    found = {(series["metric"]["instance"], series["metric"]["role"]) for series in watch.query("patter_ready")}
    assert found == {(f"{role}-0", role) for role in ROLES}
    assert watch.query('{__name__=~"patter_.*", exported_role!=""}') == []


PANELS = [panel for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"] if "targets" in panel]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_shows_something(watch: Watch, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        found = watch.query(target["expr"].replace("$__rate_interval", WINDOW))
        assert found, target["expr"]
        assert all(math.isfinite(float(series["value"][1])) for series in found), target["expr"]


def test_panels_tell_their_series_apart(watch: Watch) -> None:
    """Two lines under one legend cannot be told apart."""
    for panel in PANELS:
        legends = []
        for target in panel["targets"]:
            for series in watch.query(target["expr"].replace("$__rate_interval", WINDOW)):
                labels = series["metric"]
                legends.append(
                    re.sub(r"\{\{(\w+)\}\}", lambda match, of=labels: of.get(match[1], ""), target["legendFormat"])
                )
        assert len(legends) == len(set(legends)), panel["title"]


def test_every_alert_is_evaluated(watch: Watch) -> None:
    def rules() -> list[dict[str, Any]]:
        return [rule for group in watch.get("rules")["groups"] for rule in group["rules"]]

    watch.until("rules are evaluated", lambda: all(rule["health"] != "unknown" for rule in rules()))
    committed = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    assert [rule["name"] for rule in rules()] == [rule["alert"] for group in committed for rule in group["rules"]]
    assert [(rule["name"], rule.get("lastError")) for rule in rules() if rule["health"] != "ok"] == []


def test_a_role_that_withdraws_is_gone_and_one_that_dies_is_down(watch: Watch) -> None:
    """Last, as it takes the others' series away."""
    withdraw(watch.places["intake"])
    watch.until("intake is gone", lambda: watch.query('up{instance="intake-0"}') == [])
    announce(watch.data_dir, "learn-0", "127.0.0.1", free_port())
    watch.until("learn is down", lambda: bool(watch.query('up{instance="learn-0"} == 0')))
    watch.until("its alert is on", lambda: bool(watch.query('ALERTS{alertname="PatterRoleGone", role="learn"}')))
