"""The demo on a real broker: roles are killed, prices change, events come twice; nothing is lost or doubled."""

import json
import os
import re
import signal
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from tests_e2e import finish_demo, start_demo

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(400)]

TRIGGERS = ("product_viewed", "list_viewed", "cart_added")
# Those of the audience, who are in no rate.
ASSISTANTS = ("ChatGPT-User", "Claude-User", "Perplexity-User")
CANARY = {
    "product_id": "canary",
    "name": "Harbor Tote",
    "category": "bags",
    "currency": "USD",
    "features": ["two pockets"],
}
# The promise: a price whose broker time is more than 2 s before the decision's time is never rendered old.
PRICE_BOUND_MS = 2_000


def pid(folder: Path, role: str, seconds: float = 120.0) -> int:
    path = folder / "data" / "pids" / f"{role}.pid"
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"no pid file of {role}"
        time.sleep(0.1)
    return int(path.read_text())


def wait_ready(folder: Path) -> None:
    deadline = time.monotonic() + 120
    from patter.scrape import ready

    while not ready(folder / "data", {"serve-0", "generate-0", "collect-0", "learn-0"}):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def kill(folder: Path, role: str) -> None:
    """kill -9, and see that another process takes the name within 1 s and a little."""
    old = pid(folder, role)
    os.kill(old, signal.SIGKILL)
    deadline = time.monotonic() + 3
    while pid(folder, role) == old and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pid(folder, role) != old


def change_price(producer: Producer, minor: int) -> None:
    record = {**CANARY, "price_minor": minor}
    producer.produce("patter.catalog.v1", key=b"canary", value=json.dumps(record).encode())
    assert producer.flush(10) == 0


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, kafka_jars: Path) -> Any:
    folder = tmp_path_factory.mktemp("local")
    catalogue = folder / "catalogue.jsonl"
    others = [
        {**CANARY, "product_id": f"p{n}", "name": f"Dune Tote {'ABCDEF'[n]}", "price_minor": 900} for n in range(3)
    ]
    catalogue.write_text("\n".join(json.dumps(row) for row in [{**CANARY, "price_minor": 1000}, *others]))
    arguments = ["--broker", "local", "--catalog", str(catalogue), "--seconds", "32", "--rate", "150"]
    arguments += ["--shoppers", "500", "--malformed", "20", "--duplicates", "40", "--hold", "14"]
    process = start_demo(folder, *arguments)
    try:
        pid(folder, "generate")
        wait_ready(folder)
        settings = json.loads((folder / "data" / "settings.json").read_text())
        producer = Producer({"bootstrap.servers": settings["kafka"]["bootstrap"], "partitioner": "murmur2_random"})
        for number in range(1, 12):
            change_price(producer, 1000 + number)
            if number == 4:
                kill(folder, "serve")
            if number == 6:
                kill(folder, "generate")
            if number in (5, 7):
                kill(folder, "collect")
            if number == 8:
                kill(folder, "learn")
            time.sleep(2.2)
        time.sleep(10)
        kill(folder, "serve")
        for role in ("generate", "collect", "learn"):
            kill(folder, role)
        first = finish_demo(process, folder)
    finally:
        process.kill()
    kept = folder / "run" / "events.jsonl"
    again = finish_demo(
        start_demo(folder, "--broker", "local", "--events", str(kept), "--rate", "1500", "--raw", name="again"),
        folder,
        "again",
    )
    return first, again


def test_the_run_ends_well_on_a_broker_that_isolates_transactions(story: Any) -> None:
    first, _ = story
    assert first.code == 0, (first.stderr[-3000:], first.result.get("failures"))
    assert first.result["broker"]["transactions_isolated"]
    assert first.result["broker"]["delivery"] == "exactly_once"
    assert first.result["processes"]["serve"]["restarts"] >= 1
    for role in ("generate", "collect", "learn"):
        assert first.result["processes"][role]["restarts"] >= 1
    assert first.result["serve"]["pending"] == 0
    assert first.result["serve"]["dlq"] == first.result["input"]["malformed_sent"] == 20


def test_after_kills_every_trigger_has_exactly_one_decision(story: Any) -> None:
    first, _ = story
    wanted: set[str] = set()
    dead = {
        (int(letter.headers["patter-partition"]), int(letter.headers["patter-offset"]))
        for letter in first.records("dlq")
    }
    for record in first.records("events"):
        if (record.partition, record.offset) in dead:
            continue
        event = record.json()
        agent = (event.get("user_agent") or "").lower()
        bot = any(part in agent for part in ("bot", "crawler", "spider", "headless"))
        if event["kind"] in TRIGGERS and event.get("product_id") and not bot:
            wanted.add(event["event_id"])
    decided = Counter(record.json()["event_id"] for record in first.records("decisions"))
    assert set(decided) == wanted
    assert set(decided.values()) == {1}
    assert len(dead) == 20


def test_after_kills_every_count_is_what_the_log_says(story: Any) -> None:
    """Distinct decisions with an impression or a click, by arm, counted here from the kept records alone."""
    first, again = story
    for run in (first, again):
        assert run.result["online_equals_batch"], run.result["failures"]
        assert run.result["verify"]["differing"] == 0
    arms = {
        record.json()["token"]: (record.json()["decision_id"], record.json()["arm"])
        for record in first.records("decisions")
    }
    week_ms, high_ms = 7 * 86_400_000, {0: 0}
    seen: dict[str, set[str]] = {}
    clicked: dict[str, set[str]] = {}
    for record in sorted(first.records("events"), key=lambda each: (each.partition, each.offset)):
        try:
            event = record.json()
            moment_ms = int(datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp() * 1000)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if abs(moment_ms - record.timestamp_ms) < 60_000:
            high_ms[record.partition] = max(high_ms.get(record.partition, 0), moment_ms)
        if any(name in event.get("user_agent", "") for name in ASSISTANTS):
            continue
        if event.get("token") in arms and moment_ms >= high_ms.get(record.partition, 0) - week_ms:
            decision, arm = arms[event["token"]]
            if event["kind"] in ("copy_impression", "copy_click"):
                seen.setdefault(arm, set()).add(decision)
            if event["kind"] == "copy_click":
                clicked.setdefault(arm, set()).add(decision)
    newest: dict[bytes, Any] = {}
    for record in first.records("metrics"):
        if record.key is not None and record.key.startswith(b"cohort|life|") and record.value:
            cell = record.json()
            if cell["revision"] >= newest.get(record.key, cell)["revision"]:
                newest[record.key] = cell
    online = {"impressions": Counter(), "clicks": Counter()}  # type: ignore[var-annotated]
    for cell in newest.values():
        for name, sums in online.items():
            sums[cell["variant"]] += cell["counters"].get(name, 0)
    assert len(seen) >= 3
    assert {arm: len(found) for arm, found in seen.items()} == dict(online["impressions"])
    assert {arm: len(found) for arm, found in clicked.items()} == dict(online["clicks"])


def test_the_same_events_add_no_feedback(story: Any) -> None:
    feedback = story[1].result["feedback"]
    counted = ("impressions", "imputed", "clicks", "carts", "orders", "refunds", "revenue_minor")
    assert {name: feedback[name] for name in counted} == dict.fromkeys(counted, 0)
    assert feedback["duplicates"] > 0


def test_a_price_is_never_older_than_the_promise(story: Any) -> None:
    first, _ = story
    changes = sorted(
        (record.timestamp_ms, record.json()["price_minor"])
        for record in first.records("catalog")
        if record.key == b"canary"
    )
    assert len(changes) >= 12
    shown = 0
    for record in first.records("decisions"):
        decision = record.json()
        found = re.search(r"\$(\d+)\.(\d\d)", decision["text"] or "")
        if decision["product_id"] != "canary" or not found:
            continue
        moment = datetime.fromisoformat(decision["time"]).timestamp() * 1000
        oldest_allowed = [price for at, price in changes if at <= moment - PRICE_BOUND_MS]
        allowed = {price for at, price in changes if at > moment - PRICE_BOUND_MS} | set(oldest_allowed[-1:])
        assert int(found[1] + found[2]) in allowed, (decision["time"], found[0])
        shown += 1
    assert shown > 20


def test_the_same_events_on_the_same_folder_are_a_new_run_without_decisions(story: Any) -> None:
    first, again = story
    assert again.code == 0, (again.stderr[-3000:], again.result.get("failures"))
    assert again.result["run"]["previous_runs"] == 1
    assert again.result["serve"]["decisions"] == 0
    assert again.records("decisions") == []
    assert again.result["serve"]["events_in"] == first.result["serve"]["events_in"]
    assert again.result["serve"]["dlq"] == again.result["input"]["malformed_sent"] == 20
