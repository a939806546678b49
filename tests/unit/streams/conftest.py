"""A serve worker on fakes: states in memory, features from a table, a clock that stands."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from generate_rig import Rig, Scripted

from inference.decide.assign import Experiment, Recipe
from inference.decide.facts import Facts, facts_of
from inference.decide.policy import Policy
from inference.generate.judge import Standards
from schemas.agents import rules_of_parts
from schemas.catalog import Product
from schemas.copy import Candidate, CopyKey, PoolEntry
from schemas.decisions import DecisionRead
from schemas.policies import Beta, PolicySnapshot
from schemas.ports import ViewRow
from streams.broadcast.curation import Curation
from streams.broadcast.experiments import Experiments
from streams.broadcast.pool import Pool
from streams.dlq import RejectBrake
from streams.kafka.records import Out, Record
from streams.serve.setup import FrequencyCap, ServeSetup, ServeTopics
from streams.serve.step import ServeWorker

NOW_MS = 1_780_000_000_000
NOW = "2026-05-28T20:26:40Z"
BUNDLE = "b" * 64
TOPICS = ServeTopics("events", "decisions", "requests", "codes", "dlq")


class CountingMetrics:
    """Records what is published."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, ...], float] = {}

    def add(self, name: str, value: float = 1.0, **labels: str) -> None:
        key = (name, *labels.values())
        self.counts[key] = self.counts.get(key, 0.0) + value

    def set(self, name: str, value: float, **labels: str) -> None:
        self.counts[(name, *labels.values())] = value

    def observe(self, name: str, value: float, **labels: str) -> None:
        self.add(name, 1.0, **labels)


class TableReader:
    """Features from a table."""

    views = (("user_profile", "user_id"), ("product_catalog", "product_id"))

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, ViewRow]] = {"user_profile": {}, "product_catalog": {}}
        self.asked: list[Mapping[str, Sequence[str]]] = []

    def put(self, view: str, name: str, values: dict[str, Any], event_ms: int = NOW_MS - 5_000) -> None:
        self.rows[view][name] = ViewRow("fresh", values, event_ms, json.dumps(values).encode())

    def read(self, keys: Mapping[str, Sequence[str]], now_ms: int) -> dict[str, dict[str, ViewRow]]:
        self.asked.append(keys)
        missing = ViewRow("missing", None, 0, b"{}")
        return {view: {name: self.rows[view].get(name, missing) for name in keys[key]} for view, key in self.views}

    def stats(self) -> Mapping[str, float]:
        return {}

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class MemoryStates:
    """The states as serve sees them."""

    pool: Pool
    policy: Policy | None
    catalogue: dict[str, Facts] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)
    known_ms: int = NOW_MS
    changed: set[str] = field(default_factory=set)
    catalogue_version: int = 0
    curation: Curation = field(default_factory=Curation)
    experiments: Experiments = field(default_factory=Experiments)

    def take_changed(self) -> frozenset[str]:
        changed, self.changed = self.changed, set()
        return frozenset(changed | self.pool.take_changed())

    def swap(self) -> int:
        return 0

    def whole(self) -> bool:
        return True

    def catalogue_ms(self) -> int:
        return self.known_ms

    def copy_ms(self) -> int:
        return self.known_ms

    def ages(self, now_ms: int) -> Mapping[str, float]:
        return {}


@dataclass
class Bench:
    """A worker and everything that it stands on."""

    worker: ServeWorker
    states: MemoryStates
    reader: TableReader
    metrics: CountingMetrics
    log: list[Record] = field(default_factory=list)

    def product(self, product_id: str = "p1", **changes: Any) -> None:
        base: dict[str, Any] = {
            "product_id": product_id,
            "name": "Trail Mug",
            "category": "kitchen",
            "price_minor": 1999,
            "currency": "USD",
        }
        self.states.catalogue[product_id] = facts_of(Product(**{**base, **changes}))
        self.states.changed.add(product_id)

    def copy(self, slot_text: str, arm: str = "warm", segment: str = "new", product_id: str = "p1") -> None:
        entry = PoolEntry(
            product_id=product_id,
            segment=segment,
            variant=arm,
            channel="push",
            locale="en",
            candidates=[Candidate(copy_id=f"id:{slot_text}", slot_text=slot_text, bundle_sha256=BUNDLE)],
        )
        self.states.pool.apply(CopyKey(product_id, segment, arm, "push", "en"), entry)

    def prefer(self, **beliefs: tuple[float, float]) -> None:
        self.states.policy = Policy(snapshot(**beliefs))

    def view(self, event_id: str, user_id: str = "u1", product_id: str = "p1", **more: Any) -> Record:
        body = {
            "kind": "product_viewed",
            "event_id": event_id,
            "user_id": user_id,
            "time": NOW,
            "product_id": product_id,
        }
        return self.raw(json.dumps({**body, **more}).encode())

    def raw(self, value: bytes | None, partition: int = 0) -> Record:
        record = Record("events", partition, len(self.log), NOW_MS, b"k", value)
        self.log.append(record)
        return record

    def run(self, *records: Record, commit: bool = True) -> dict[str, list[Out]]:
        outs: dict[str, list[Out]] = {}
        batch = self.worker.step(records)
        if batch.bulk is not None:

            def put(topic: str, value: bytes, key: bytes) -> None:
                outs.setdefault(topic, []).append(Out(topic, key, value))

            batch.bulk(put, lambda: None)
        for out in batch.outs:
            outs.setdefault(out.topic, []).append(out)
        if commit:
            self.worker.committed(records)
        return outs

    def decide(self, *records: Record) -> list[DecisionRead]:
        return decisions(self.run(*records))


def decisions(outs: Mapping[str, list[Out]]) -> list[DecisionRead]:
    return [msgspec.json.decode(out.value or b"", type=DecisionRead) for out in outs.get("decisions", [])]


def snapshot(
    version: int = 1, epsilon: float = 0.0, *, kill: bool = False, **beliefs: tuple[float, float]
) -> PolicySnapshot:
    prior = {arm: Beta(*belief) for arm, belief in (beliefs or {"template": (1.0, 1.0)}).items()}
    return PolicySnapshot(
        version=version, experiment="x", created_ms=NOW_MS, seed="s", epsilon=epsilon, prior=prior, kill=kill
    )


def segment_of(values: Mapping[str, Mapping[str, Any] | None]) -> str:
    profile = values.get("user_profile")
    return "new" if profile is None else "loyal" if profile.get("orders_90d", 0) > 3 else "regular"


@pytest.fixture(params=["compiled", "plain"])
def make_bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    """Every test of serve runs on both presses; where none is compiled, twice on the one."""
    if request.param == "plain":
        monkeypatch.setattr("streams.serve.native.module", None)

    def make(
        holdout: float = 0.0,
        cap: FrequencyCap | None = None,
        rewarm: Callable[..., None] = lambda *_: None,
        brake: RejectBrake | None = None,
        seen_window: int = 1000,
        conversion_version: str | None = None,
    ) -> Bench:
        experiment = Experiment(
            name="x",
            version=2,
            salt="salt",
            holdout=holdout,
            recipes=(Recipe("warm", "warm", "shop", "short"), Recipe("bold", "bold", "none", "short")),
        )
        setup = ServeSetup(
            tenant="acme",
            worker="serve-0",
            topics=TOPICS,
            experiment=experiment,
            segment_of=segment_of,
            segment_version="7",
            segments_see_products=False,
            triggers=frozenset({"product_viewed", "list_viewed", "cart_added"}),
            agents=rules_of_parts("crawler"),
            cap=cap,
            channel="push",
            locale="en",
            max_chars=120,
            views=TableReader.views,
            key_id=1,
            key=b"k" * 32,
            bundle_sha256=BUNDLE,
            conversion_version=conversion_version,
            seen_window=seen_window,
        )
        states = MemoryStates(Pool("push", "en", BUNDLE), Policy(snapshot()))
        reader, metrics = TableReader(), CountingMetrics()
        worker = ServeWorker(
            setup,
            states,
            reader,
            metrics,
            lambda: NOW_MS,
            rewarm,
            brake or RejectBrake(100, 0.9, 1000),
            states.codes,  # type: ignore[arg-type]
        )
        worker.assigned({0: 0, 1: 0})
        return Bench(worker, states, reader, metrics)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    made = make_bench()
    made.product()
    return made


__all__ = ["Bench", "decisions", "snapshot"]


@pytest.fixture
def rig(bench: Any) -> Callable[..., Rig]:
    def made(writer: Scripted | None = None, standards: Standards | None = None, **setup: Any) -> Rig:
        return Rig(bench, writer or Scripted(), RejectBrake(100, 0.9, 1000), standards or Standards(), **setup)

    return made
