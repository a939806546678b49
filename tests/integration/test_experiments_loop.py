"""Fifty-one experiments at once through serve, collect and learn on a real broker: one with an effect, fifty without.

Shoppers, arms and clicks are hashes of names, so every run has the same counts and the same words: of the fifty A/As,
each judged once with an error rate of 5 %, more than 6 are rejected in 1.2 % of such worlds (binomial); the planted
effect of 20 % on a rate of 0.4 is missed in about 2 %.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from role_workers import Workers, settings_on, until, write_config
from typer.testing import CliRunner

from features.default_segments import DEFAULT_TABLE
from features.store import FeatureOptions
from features.store.apply import apply as apply_features
from inference.bundle import load_bundle, starter_dir
from inference.decide.hashing import unit
from inference.experiment.lifecycle import draft, planned, started
from patter.cli import build
from patter.settings import Settings
from patter.verify.run import verify_online
from patter.wiring.policy import publish_prior
from schemas.catalog import Product
from schemas.copy import Candidate, CopyKey, PoolEntry
from schemas.decisions import DecisionRead
from schemas.experiments import ExperimentArm, ExperimentRecord, Mode, StoppingRule
from schemas.partials import CellMetrics
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.dump import read_topic

# Three roles start on what may be a busy machine, and 60,000 events go through them.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
PATIENCE_S = 240.0

ROLES = ("serve", "collect", "learn")
ARM = "warm_discover"
LAYERS, IN_A_LAYER = 5, 10
SHOPPERS, VIEWS = 3_000, 8
BASELINE, EFFECT = 0.4, 0.2


def record(name: str, mode: Mode, layer: str, buckets: int, running: list[ExperimentRecord]) -> ExperimentRecord:
    arms = (ExperimentArm("template"), ExperimentArm(ARM if mode == "fixed" else "twin"))
    plan = planned(arms, baseline=BASELINE, effect=EFFECT, per_shopper=VIEWS, design_effect=1.0, alpha=0.05, power=0.8)
    rule = StoppingRule(max_shoppers=plan.shoppers_always_valid, min_shoppers=10)
    made = draft(
        name, arms=arms, metric="ctr", plan=plan, rule=rule, mode=mode, layer=layer, buckets=buckets, time_ms=1,
        by="ada", why="a test",
    )  # fmt: skip
    return started(made, running, time_ms=2, by="ada", why="go")


def experiments() -> list[ExperimentRecord]:
    """The planted one in a layer of its own, and ten A/As in each of five others."""
    found = [record("planted", "fixed", "planted", 10_000, [])]
    for layer in range(LAYERS):
        for number in range(IN_A_LAYER):
            found.append(record(f"aa-{layer}-{number}", "aa", f"layer-{layer}", 10_000 // IN_A_LAYER, found))
    return found


class Shop:
    """What the shop sends, and what it gets."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.options = settings, KafkaOptions(bootstrap=settings.kafka.bootstrap)
        self.producer = Producer({**producer_config(self.options), "queue.buffering.max.messages": 1_000_000})

    def put(self, logical: str, key: str, value: object) -> None:
        self.producer.produce(self.settings.topics[logical].name or "", key=key, value=msgspec.json.encode(value))

    def event(self, kind: str, event_id: str, user_id: str, **fields: object) -> None:
        head = {"kind": kind, "event_id": event_id, "user_id": user_id, "time": datetime.now(UTC)}
        self.put("events", user_id, {**head, **fields})

    def stock(self) -> None:
        """A product, copy for it in every segment, and the experiments."""
        self.put("catalog", "p", Product(product_id="p", name="Mug", category="kitchen", price_minor=1, currency="USD"))
        bundle = load_bundle(starter_dir()).sha256
        segments = {*(rule.name for rule in DEFAULT_TABLE.rules), DEFAULT_TABLE.default, DEFAULT_TABLE.unknown}
        channel, locale = self.settings.serve.channel, self.settings.serve.locale
        for segment in segments:
            text = Candidate(copy_id=f"warm {segment}", slot_text="Come and see {NAME}", bundle_sha256=bundle)
            entry = PoolEntry(
                product_id="p", segment=segment, variant=ARM, channel=channel, locale=locale, candidates=[text]
            )
            self.put("copy", CopyKey("p", segment, ARM, channel, locale).encode(), entry)
        for each in experiments():
            self.put("experiments", each.key(), each)
        assert self.producer.flush(30) == 0

    def view(self) -> None:
        for number in range(VIEWS):
            for shopper in range(SHOPPERS):
                self.event("product_viewed", f"v{number}-{shopper}", f"s{shopper}", product_id="p")
        assert self.producer.flush(60) == 0

    def answer(self, decisions: list[DecisionRead]) -> tuple[int, int]:
        """Everybody sees what was shown, and clicks by chance, more often on the planted arm; how many did."""
        clicks = 0
        for each in decisions:
            self.event("copy_impression", f"i{each.event_id}", each.user_id, token=each.token)
            better = each.experiment == "planted" and each.arm == ARM
            if unit("click", each.event_id) < BASELINE * (1 + EFFECT * better):
                self.event("copy_click", f"c{each.event_id}", each.user_id, token=each.token)
                clicks += 1
        assert self.producer.flush(60) == 0
        return len(decisions), clicks

    def read(self, logical: str, kind: Any) -> list[Any]:
        records = read_topic(self.options, self.settings.topics[logical].name or "")
        return [msgspec.json.decode(record.value, type=kind) for record in records if record.value]

    def counted(self) -> tuple[int, int]:
        """Impressions and clicks of the total, as learn has published them."""
        totals = [each for each in self.read("metrics", CellMetrics) if each.family == "total"]
        newest = max(totals, key=lambda each: each.revision, default=None)
        counters = newest.counters if newest is not None else {}
        return counters.get("impressions", 0), counters.get("clicks", 0)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("role_workers.PATIENCE_S", PATIENCE_S)


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    made = settings_on(local_broker, fresh_topics, tmp_path)
    # These shoppers answer at machine speed, as no person does.
    return made.model_copy(update={"agents": made.agents.model_copy(update={"watch": False})})


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    path = write_config(settings, tmp_path / "patter.toml")
    path.write_text(path.read_text() + "\n[experiment]\nholdout = 0.0\n[agents]\nwatch = false\n")
    return path


@pytest.fixture
def roles(settings: Settings, config: Path, tmp_path: Path) -> Iterator[dict[str, Workers]]:
    apply_features(FeatureOptions(data_dir=settings.data_dir))
    made = {role: Workers(role, tmp_path, config) for role in ROLES}
    yield made
    for workers in made.values():
        for member in list(workers.running):
            workers.kill(member)


def test_the_planted_effect_is_found_and_a_as_seldom(
    settings: Settings, config: Path, roles: dict[str, Workers], tmp_path: Path
) -> None:
    shop = Shop(settings)
    shop.stock()
    publish_prior(settings, "a test", "every arm alike")
    for role, workers in roles.items():
        workers.start(f"{role}-0")
    for role, workers in roles.items():
        until(lambda w=workers, m=f"{role}-0": w.ready(m), lambda w=workers, m=f"{role}-0": w.said(m))
    shop.view()
    decided: list[DecisionRead] = []

    def all_decided() -> bool:
        decided[:] = shop.read("decisions", DecisionRead)
        return len(decided) == SHOPPERS * VIEWS

    until(all_decided, lambda: (len(decided), roles["serve"].said("serve-0")))
    assert len({each.experiment for each in decided}) == LAYERS * IN_A_LAYER + 1
    assert not any(each.excluded for each in decided)
    assert {each.shown for each in decided if each.experiment != "planted"} == {"template"}
    sent = shop.answer(decided)
    until(lambda: shop.counted() == sent, lambda: (shop.counted(), sent, roles["collect"].said("collect-0")))
    assert verify_online(settings).failures() == []

    told = CliRunner().invoke(
        build(), ["report", "--config", str(config), "--json", "-", "--html", str(tmp_path / "report.html")]
    )
    assert told.exit_code == 0, told.output
    found = {each["experiment"]: each["report"] for each in json.loads(told.stdout)["experiments"] if each["report"]}
    words = {name: each["comparisons"][0]["decision"] for name, each in found.items()}
    assert words.pop("planted") == "better"
    assert sum(each["n"] for each in found.values()) == SHOPPERS
    assert len(words) == 50
    assert set(words.values()) <= {"better", "worse", "no_difference_shown"}
    rejected = sum(word != "no_difference_shown" for word in words.values())
    print(f"planted: {found['planted']['comparisons'][0]}; A/As rejected: {rejected} of 50")
    assert rejected <= 6
