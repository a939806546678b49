"""`patter replay` on a real broker: serve's own records decided again, live inputs, and a log sent once more."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from role_workers import Workers, settings_on, until, write_config

from features.store.apply import apply as apply_features
from features.store.writer import StoreWriter
from inference.experiment.lifecycle import draft, planned, started
from patter.bench import shop
from patter.demo.prepare import publish_catalogue
from patter.settings import Settings
from patter.wiring.experiments import change
from patter.wiring.features import feature_options
from patter.wiring.policy import publish_prior
from patter.wiring.process import now_ms
from schemas.experiments import ExperimentArm, ExperimentRecord, Mode, StoppingRule
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.dump import dump_line, read_topic

pytestmark = pytest.mark.integration

EVENTS = 400
SHOPPERS = 40
PRODUCTS = 30
MODES: tuple[Mode, ...] = ("fixed", "aa", "adaptive")
KINDS = ("product_viewed", "list_viewed", "cart_added")


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    return settings_on(local_broker, fresh_topics, tmp_path)


@pytest.fixture
def serve(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setattr(shop, "PRODUCTS", PRODUCTS)
    monkeypatch.setattr(shop, "SHOPPERS", SHOPPERS)
    options = feature_options(settings)
    apply_features(options)
    writer, chance = StoreWriter.open(options), random.Random(3)
    for view, rows in (("user_profile", shop.profiles(chance)), ("user_activity", shop.activity(chance))):
        writer.write(view, list(rows), now_ms(), newest=True)
    publish_catalogue(settings, shop.products())
    shop.warm_pool(settings)
    publish_prior(settings, "test", "first")
    made = Workers("serve", tmp_path, write_config(settings, tmp_path / "patter.toml"))
    yield made
    for member in list(made.running):
        made.kill(member)


def feed(settings: Settings, first: int, count: int) -> None:
    producer, chance = Producer(producer_config(KafkaOptions(bootstrap=settings.kafka.bootstrap))), random.Random(first)
    for number in range(first, first + count):
        # Some shoppers and products nobody knows.
        user = f"u{chance.randrange(SHOPPERS + 10)}"
        body = {
            "kind": chance.choice(KINDS),
            "event_id": f"e{number}",
            "user_id": user,
            "time": datetime.now(UTC).isoformat(),
            "product_id": f"p{chance.randrange(PRODUCTS + 2)}",
        }
        producer.produce(settings.topics["events"].name, value=json.dumps(body).encode(), key=user.encode())
    assert producer.flush(30) == 0


def standing(settings: Settings, logical: str) -> list[Any]:
    name = settings.topics[logical].name
    return list(read_topic(KafkaOptions(bootstrap=settings.kafka.bootstrap), str(name)))


def replay(serve: Workers, *words: str, code: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "patter", "replay", *words, "--config", str(serve.config), "--json", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == code, done.stderr.decode()
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def try_out(settings: Settings) -> None:
    """Start an experiment of each mode; with the fourth quarter of the layer nobody does anything."""
    arms = [ExperimentArm("template"), ExperimentArm(settings.variants[0].name, 2)]
    plan = planned(arms, baseline=0.1, effect=0.5, per_shopper=8, design_effect=2, alpha=0.05, power=0.8)
    for mode in MODES:
        drawn_up = partial(draft, mode, arms=arms, metric="ctr", plan=plan, rule=StoppingRule(max_shoppers=100))
        make = partial(drawn_up, mode=mode, buckets=2_500, holdout=0.2, why="a test")
        change(settings, lambda newest, time_ms, by, make=make: make(time_ms=time_ms, by=by))

        def begun(newest: dict[str, ExperimentRecord], time_ms: int, by: str, name: str = mode) -> ExperimentRecord:
            running = [each for each in newest.values() if each.state == "running"]
            return started(newest[name], running, time_ms=time_ms, by=by, why="go")

        change(settings, begun)


def test_what_serve_decided_is_decided_again(settings: Settings, serve: Workers, tmp_path: Path) -> None:
    serve.start("serve-0")
    until(lambda: serve.ready("serve-0"), lambda: serve.said("serve-0"))
    feed(settings, 0, EVENTS // 2)
    until(lambda: len(standing(settings, "decisions")) == EVENTS // 2, lambda: serve.said("serve-0"))
    publish_prior(settings, "test", "second")
    try_out(settings)
    changed = [msgspec.structs.replace(each, price_minor=each.price_minor + 1) for each in shop.products()[:10]]
    publish_catalogue(settings, changed)
    time.sleep(3)
    feed(settings, EVENTS // 2, EVENTS // 2)
    until(lambda: len(standing(settings, "decisions")) == EVENTS, lambda: serve.said("serve-0"))
    assert serve.stop("serve-0") == 0

    told = replay(serve, "--broker")
    assert (told["decisions"], told["replayed"], told["differing"], told["differences"]) == (EVENTS, EVENTS, 0, [])
    assert (told["ok"], told["not_replayed"], told["tokens_unverified"]) == (True, {}, 0)
    bodies = [json.loads(record.value) for record in standing(settings, "decisions")]
    sources = Counter(each["source"] for each in bodies)
    assert {None, "model", "template"} == sources.keys()
    assert {each["policy_version"] for each in bodies} == {1, 2}
    tried = told["experiments"]
    assert (tried["versions"], tried["decisions_by_mode"].keys()) == (6, {"settings", *MODES})
    assert tried["decisions_by_mode"]["settings"] > EVENTS // 2
    assert {each["experiment"] for each in bodies if each["override"] == "holdout"} >= set(MODES)

    live = replay(serve, "--broker", "--live-inputs")
    assert (live["decided"], live["unexplained"]) == (EVENTS, 0)
    assert live["causes"]["policy_changed"] == sum(each["policy_version"] == 1 for each in bodies)
    assert live["causes"]["product_changed"] > 0
    assert live["causes"]["feature_changed"] == live["causes"]["copy_gone"] == 0

    records = standing(settings, "decisions")
    body = {**bodies[7], "segment": "another"}
    records[7] = msgspec.structs.replace(records[7], value=msgspec.json.encode(body))
    kept = tmp_path / "decisions.jsonl"
    kept.write_bytes(b"".join(dump_line(each) + b"\n" for each in records))
    # Without snapshots beside it, those of the broker's log.
    told = replay(serve, "--records", str(kept), code=1)
    assert (told["differing"], told["by_field"]["segment"]) == (1, 1)
    assert {each["place"] for each in told["differences"]} == {
        f"{records[7].topic}/{records[7].partition}/{records[7].offset}"
    }


def made_topic(settings: Settings, name: str) -> str:
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(30)
    return name


def test_a_log_is_sent_once_more_in_order_and_stops_when_it_is_asked_to(settings: Settings, tmp_path: Path) -> None:
    options, config = KafkaOptions(bootstrap=settings.kafka.bootstrap), tmp_path / "patter.toml"
    serve = Workers("serve", tmp_path, write_config(settings, config))
    feed(settings, 0, 200)
    target = made_topic(settings, f"{settings.tenant}.again")
    told = replay(serve, "--events", "events", "--to", target, "--speed", "0", "--times", "keep")
    assert (told["actions"], told["sent"], told["acknowledged"], told["stopped"]) == (200, 200, 200, False)
    sent, source = list(read_topic(options, target)), standing(settings, "events")
    assert {(each.key, each.value, each.timestamp_ms) for each in sent} == {
        (each.key, each.value, each.timestamp_ms) for each in source
    }
    moments: dict[int, list[str]] = {}
    for each in sent:
        moments.setdefault(each.partition, []).append(json.loads(each.value or b"")["time"])
    assert all(times == sorted(times) for times in moments.values())

    # A thousand times slower than it was, it would take long.
    slow = made_topic(settings, f"{settings.tenant}.slow")
    words = ["--events", "events", "--to", slow, "--speed", "0.001", "--config", str(config), "--json", "-"]
    process = subprocess.Popen([sys.executable, "-m", "patter", "replay", *words], stdout=subprocess.PIPE)
    until(lambda: any(read_topic(options, slow)))
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=30)
    told = json.loads(stdout)
    assert (process.returncode, told["stopped"]) == (0, True)
    assert 0 < told["sent"] == told["acknowledged"] == len(list(read_topic(options, slow))) < 200
