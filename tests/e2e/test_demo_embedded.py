"""The demo as the README shows it, on the embedded broker, recounted from what it kept by this file's own code."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(280)]

COLOURS = {
    "red",
    "blue",
    "green",
    "black",
    "white",
    "grey",
    "gray",
    "brown",
    "yellow",
    "orange",
    "pink",
    "purple",
    "gold",
}
MATERIALS = {
    "leather",
    "cotton",
    "wool",
    "steel",
    "wood",
    "oak",
    "linen",
    "silk",
    "glass",
    "plastic",
    "bamboo",
    "denim",
}
CANARIES: list[dict[str, Any]] = [
    {
        "product_id": "c1",
        "name": "Harbor Tote",
        "category": "bags",
        "price": "31.07",
        "currency": "EUR",
        "color": "teal",
    },
    {
        "product_id": "c2",
        "name": "Dune Lamp",
        "category": "lighting",
        "price": "118",
        "currency": "JPY",
        "material": "brass",
    },
    {"product_id": "c3", "name": "Moss Kettle", "category": "kitchen", "price": "44.90", "currency": "USD"},
    {
        "product_id": "c4",
        "name": "Field Notes 7",
        "category": "stationery",
        "price": "9.35",
        "currency": "GBP",
        "discount_percent": 12.5,
        "rating": 4.3,
        "features": ["numbered pages", "an elastic band"],
        "brand": "Quill & Co",
    },
]


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests_e2e import finish_demo, start_demo

    folder = tmp_path_factory.mktemp("canary")
    catalogue = folder / "canaries.jsonl"
    catalogue.write_text("\n".join(json.dumps(row) for row in CANARIES))
    arguments = ["--catalog", str(catalogue), "--seconds", "25", "--rate", "120", "--shoppers", "400"]
    return finish_demo(start_demo(folder, *arguments, "--malformed", "25", "--duplicates", "60"), folder)


def test_it_ends_well_and_everything_adds_up(canary: Any) -> None:
    result = canary.result
    assert canary.code == 0, (canary.stderr[-2000:], result.get("failures"))
    assert result["ok"]
    assert result["failures"] == []
    serve = result["serve"]
    parts = ("decisions", "duplicates", "not_trigger", "suppressed", "dlq")
    assert serve["events_in"] == sum(serve[part] for part in parts) == len(canary.records("events"))
    assert serve["pending"] == 0
    assert serve["dlq"] == result["input"]["malformed_sent"] == 25 == result["dlq"]["records"]
    assert result["input"]["duplicates_sent"] == 60
    assert result["input"]["events_sent"] == serve["events_in"]
    assert not result["broker"]["transactions_isolated"]
    assert result["broker"]["delivery"] == "at_least_once"
    assert result["render"]["model"] > 0


def test_feedback_is_counted_and_online_equals_batch(canary: Any) -> None:
    """Distinct decisions with an impression or a click, counted here from the kept records alone."""
    result = canary.result
    assert result["online_equals_batch"] is True
    assert result["verify"]["differing"] == 0
    assert result["verify"]["cells"] > 50
    assert result["verify"]["records_read"] == len(canary.records("events"))
    tokens = {record.json()["token"]: record.json()["decision_id"] for record in canary.records("decisions")}
    seen: set[str] = set()
    clicked: set[str] = set()
    for record in canary.records("events"):
        try:
            event = record.json()
        except (ValueError, UnicodeDecodeError):
            continue
        # The audience's agents say who they are; people's events come without a user agent.
        if isinstance(event, dict) and event.get("token") in tokens and "user_agent" not in event:
            if event["kind"] in ("copy_impression", "copy_click"):
                seen.add(tokens[event["token"]])
            if event["kind"] == "copy_click":
                clicked.add(tokens[event["token"]])
    late = result["feedback"]["late"]
    assert len(seen) - late <= result["feedback"]["impressions"] <= len(seen)
    assert result["feedback"]["clicks"] == len(clicked) > 0
    assert result["feedback"]["token_invalid"] == result["input"]["feedback_by_kind"].get("forged", 0)
    assert sum(cell["impressions"] for cell in result["cells"]) == result["feedback"]["impressions"]
    sent = result["input"]["feedback_by_kind"]
    agents = sent.get("agent_impression", 0) + sent.get("agent_click", 0)
    assert result["feedback"]["suppressed_by"].get("assistant", 0) == agents > 0
    assert result["policy"]["versions"] > 3
    assert result["simulated"]


def test_a_recount_from_the_kept_records_agrees(canary: Any) -> None:
    decisions = [record.json() for record in canary.records("decisions")]
    ids = Counter(decision["event_id"] for decision in decisions)
    assert set(ids.values()) == {1}
    assert len(decisions) == canary.result["serve"]["decisions"]
    wanted = set()
    for record in canary.records("events"):
        try:
            event = record.json()
        except (ValueError, UnicodeDecodeError):
            continue
        if isinstance(event, dict) and event.get("kind") in ("product_viewed", "list_viewed", "cart_added"):
            wanted.add(event.get("event_id"))
    assert set(ids) <= wanted
    letters = canary.records("dlq")
    sent = {(record.partition, record.offset): record.value for record in canary.records("events")}
    for letter in letters:
        place = (int(letter.headers["patter-partition"]), int(letter.headers["patter-offset"]))
        assert letter.value == sent[place]
    assert Counter(letter.headers["patter-code"] for letter in letters) == canary.result["dlq"]["by_code"]


def test_every_number_colour_and_material_in_a_text_stands_in_the_products_record(canary: Any) -> None:
    products = {row["product_id"]: row for row in CANARIES}
    shown = [record.json() for record in canary.records("decisions")]
    texts = {(d["product_id"], d["text"]) for d in shown if d["text"]}
    assert len(texts) > 10
    for product_id, text in texts:
        facts = json.dumps(products[product_id], ensure_ascii=False)
        for number in re.findall(r"\d+(?:[.,]\d+)*", text):
            assert number in facts, (number, text)
        for word in set(re.findall(r"[a-z]+", text.lower())) & (COLOURS | MATERIALS):
            assert word in facts.lower(), (word, text)


def test_propensities_are_those_of_the_record_and_add_up(canary: Any) -> None:
    for record in canary.records("decisions"):
        decision = record.json()
        if decision["action"] == "show":
            assert decision["eligible"][decision["arm"]] == decision["propensity"] > 0
            assert sum(decision["eligible"].values()) == pytest.approx(1.0)


def test_prices_are_open_in_the_pool_and_filled_in_decisions(canary: Any) -> None:
    slots = [c["slot_text"] for record in canary.records("copy") for c in record.json()["candidates"]]
    assert slots
    assert not any(re.search(r"\d", text) for text in slots)


def test_another_bundle_is_named_and_writes_other_texts(demo: Any, tmp_path: Path) -> None:
    """A bundle whose tokenizer and model are the same but whose sampler differs is another bundle."""
    import shutil

    from inference.bundle import load_bundle, starter_dir
    from inference.bundle.contents import sums_text

    other = tmp_path / "other"
    shutil.copytree(starter_dir(), other)
    generation = json.loads((other / "generation.json").read_text())
    generation["sampler"]["temperature"] = 0.9
    (other / "generation.json").write_text(json.dumps(generation))
    (other / "SHA256SUMS").write_text(sums_text(other))
    run = demo("--bundle", str(other), "--seconds", "8", "--rate", "50", "--shoppers", "100")
    assert run.code == 0, run.stderr[-2000:]
    assert run.result["generate"]["bundle_sha256"] == load_bundle(other).sha256 != load_bundle(starter_dir()).sha256


def serve_is_ready(data: Path) -> bool:
    from patter.scrape import addresses, get

    return any(address.role == "serve" and get(address, "/ready")[0] == 200 for address in addresses(data))


def test_a_role_that_dies_ends_the_run(tmp_path: Path) -> None:
    import os
    import signal
    import time

    from tests_e2e import finish_demo, start_demo

    process = start_demo(tmp_path, "--seconds", "30", "--rate", "50", "--shoppers", "50")
    data = tmp_path / "data"
    deadline = time.monotonic() + 120
    while not serve_is_ready(data) and time.monotonic() < deadline:
        time.sleep(0.2)
    # Events flow for 30 s from now on.
    time.sleep(5)
    os.kill(int((data / "pids" / "generate.pid").read_text()), signal.SIGKILL)
    run = finish_demo(process, tmp_path)
    assert run.code == 1
    assert any("generate" in failure for failure in run.result["failures"])
