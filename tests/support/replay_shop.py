"""A shop whose decisions are made by serve's own worker, with everything changing under it; no broker."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from inference.decide.facts import Facts, facts_of
from inference.decide.policy import Policy
from inference.experiment.lifecycle import draft, planned, started, stopped
from inference.generate.copyset import copy_id
from patter.replay.rules import views_of
from patter.settings import Settings, load
from patter.wiring.features import feature_options
from patter.wiring.serve import serve_setup
from schemas.catalog import Product
from schemas.copy import Candidate, CopyKey, PoolEntry
from schemas.experiments import ExperimentArm, ExperimentRecord, StoppingRule
from schemas.policies import Beta, Cell, PolicySnapshot, TrialBeliefs
from schemas.ports import FeatureState, ViewRow
from streams.broadcast.curation import Curation
from streams.broadcast.experiments import Experiments
from streams.broadcast.pool import Pool
from streams.dlq import RejectBrake
from streams.kafka.dump_lines import DumpRecord
from streams.kafka.records import Record
from streams.serve.step import ServeWorker

START_MS = 1_780_000_000_000
BUNDLE = "b" * 64
KEY = b"0123456789abcdef0123456789abcdef"
SEGMENTS = ("new", "regular", "loyal", "lapsed", "big_spender", "bargain_hunter")
TEXTS = (
    "{NAME} waits for you.",
    "Meet {NAME} from {BRAND}.",
    "{NAME}, now {PRICE}.",
    "{NAME} with {FEATURE}, in {COLOR}.",
    "{NAME}: {OFF} off.",
    "{NAME} {IS} here. " + "On and on and on. " * 6,
)


def settings_in(folder: Path, **more: Any) -> Settings:
    """Settings with a key, a holdout and a cap."""
    (folder / "token.key").write_bytes(KEY)
    given = {
        "tenant": "acme",
        "data_dir": str(folder),
        "experiment": {"name": "spring", "version": 3, "salt": "s", "holdout": 0.05},
        "serve": {"frequency_cap": {"feature": "user_activity:impressions_24h", "limit": 18}},
        "tokens": {"active": 1, "keys": [{"id": 1, "ref": f"file:{folder / 'token.key'}"}]},
        **more,
    }
    return load(None, given)


class _Metrics:
    def add(self, name: str, value: float = 1.0, **labels: str) -> None: ...
    def set(self, name: str, value: float, **labels: str) -> None: ...
    def observe(self, name: str, value: float, **labels: str) -> None: ...


class Reader:
    """Features that change, grow stale, go missing and fail; `steady` ones are the same at every look."""

    def __init__(self, settings: Settings, chance: random.Random, *, steady: bool = False) -> None:
        self.views = views_of(feature_options(settings))
        self._chance, self._steady = chance, steady

    def read(self, keys: Mapping[str, Sequence[str]], now_ms: int) -> dict[str, dict[str, ViewRow]]:
        return {view: {name: self._look(view, name, now_ms) for name in keys[key]} for view, key in self.views}

    def _look(self, view: str, name: str, now_ms: int) -> ViewRow:
        return self._row(view, now_ms, random.Random(f"{view}:{name}") if self._steady else self._chance)

    def _row(self, view: str, now_ms: int, chance: random.Random) -> ViewRow:
        state: FeatureState = chance.choices(("fresh", "stale", "missing", "error"), (80, 8, 8, 4))[0]
        until = now_ms + chance.randrange(4_000)
        if state in ("missing", "error"):
            return ViewRow(state, None, 0, b"{}", until)
        values: dict[str, Any] = {"category": "bags", "rating": chance.choice([4.0, 4.25, None]), "stock": 5}
        if view == "user_profile":
            values = {
                "segment_hint": chance.choice(["", "", "loyal", None]),
                "orders_90d": chance.randrange(7),
                "days_since_order": chance.randrange(90),
                "avg_order_minor": chance.randrange(20_000),
                "discount_share": round(chance.random(), 3),
            }
        elif view == "user_activity":
            values = {"views_24h": chance.randrange(50), "impressions_24h": chance.randrange(20), "last_category": "ü"}
        return ViewRow(state, values, now_ms - chance.randrange(1, 10**6), msgspec.json.encode(values), until)

    def stats(self) -> Mapping[str, float]:
        return {}

    def close(self) -> None: ...


class Shop:
    """`run` decides so many events, in batches between which policy, prices, stock of facts and pool change."""

    def __init__(
        self,
        settings: Settings,
        seed: int = 7,
        products: int = 60,
        shoppers: int = 4_000,
        *,
        steady: bool = False,
        tries: bool = False,
    ) -> None:
        self.settings, self.chance, self.tries = settings, random.Random(seed), tries
        self.products, self.shoppers = products, shoppers
        self.now_ms, self.known_ms = START_MS, START_MS
        self.experiments = Experiments()
        self.versions: list[DumpRecord] = []
        self.snapshots: list[PolicySnapshot] = []
        self.arms = tuple(variant.name for variant in settings.variants)
        self.pool = Pool(settings.serve.channel, settings.serve.locale, BUNDLE)
        self.catalogue: dict[str, Facts] = {}
        self.codes: dict[int, str] = {}
        self.policy: Policy | None = None
        self.curation, self.catalogue_version = Curation(), 0
        self._changed: set[str] = set()
        for number in range(products):
            self.stock(number)
        self.learn()
        self.steady, self.reader = steady, Reader(settings, self.chance, steady=steady)
        setup = serve_setup(settings, "serve-0", self.reader, BUNDLE, "own", {1: KEY})
        self._worker = ServeWorker(
            setup,
            self,  # type: ignore[arg-type]
            self.reader,
            _Metrics(),
            lambda: self.now_ms,
            lambda *_: None,
            RejectBrake(100, 0.9, 1000),
            {},
        )
        self._worker.assigned({0: 0, 1: 0})
        self._offsets = [0, 0]

    def stock(self, number: int) -> None:
        """A product's record, new or changed, and texts for it."""
        chance, name = self.chance, f"p{number}"
        record = Product(
            product_id=name,
            name=chance.choice(["Trail Mugs", "Field Bag", "iMug Ü"]) + f" {number}",
            category=f"category-{number % 5}",
            price_minor=chance.randrange(500, 9_000),
            currency="USD",
            brand=chance.choice([None, "Harbor"]),
            color=chance.choice([None, "Deep Green"]),
            features=chance.choice([[], ["a padded back", "two pockets"]]),
            discount_percent=chance.choice([None, 12.5]),
        )
        self.catalogue[name] = facts_of(record)
        self._changed.add(name)
        for arm in self.arms:
            for segment in SEGMENTS:
                texts = chance.sample(TEXTS, chance.choice([0, 1, 1, 2, 3]))
                found = [
                    Candidate(copy_id=copy_id(BUNDLE, each), slot_text=each, bundle_sha256=BUNDLE) for each in texts
                ]
                key = CopyKey(name, segment, arm, self.settings.serve.channel, self.settings.serve.locale)
                entry = PoolEntry(
                    product_id=name,
                    segment=segment,
                    variant=arm,
                    channel=key.channel,
                    locale=key.locale,
                    candidates=found,
                )
                self.pool.apply(key, entry)

    def learn(self) -> None:
        """A new snapshot; one in five stops all copy."""
        chance, version = self.chance, len(self.snapshots) + 1
        arms = ("template", *self.arms)
        cells = [
            Cell(
                category=f"category-{number}",
                segment=segment,
                arms={arm: Beta(1 + chance.random() * 9, 50.0) for arm in arms},
            )
            for number in range(5)
            for segment in SEGMENTS
        ]
        snapshot = PolicySnapshot(
            version=version,
            experiment=self.settings.experiment.name,
            created_ms=self.now_ms,
            seed=f"spring:{version}",
            epsilon=0.05,
            draws=256,
            prior=dict.fromkeys(arms, Beta(1.0, 9.0)),
            cells=cells,
            trials=self._beliefs(arms) if self.tries and version > 2 else [],
            kill=version % 5 == 4,
        )
        self.snapshots.append(snapshot)
        self.policy = Policy(snapshot)

    def _beliefs(self, arms: Sequence[str]) -> list[TrialBeliefs]:
        """What is believed in the adaptive experiment: not what is believed of the same arms elsewhere."""
        cells = [
            Cell(
                category=f"category-{number}",
                segment=segment,
                arms={arm: Beta(1 + self.chance.random() * 9, 50.0) for arm in arms},
            )
            for number in range(4)
            for segment in SEGMENTS
        ]
        return [TrialBeliefs(experiment="drawn", prior=dict.fromkeys(arms, Beta(2.0, 9.0)), cells=cells)]

    def publish(self, version: ExperimentRecord, skew_ms: int = 0) -> None:
        """A version of an experiment, which serve has from its next batch on."""
        self.experiments.take(version)
        value = msgspec.json.encode(version)
        at = DumpRecord("experiments", 0, len(self.versions), self.now_ms + skew_ms, version.key().encode(), value)
        self.versions.append(at)

    def run(self, events: int, batch: int = 250) -> Iterator[DumpRecord]:
        """Decision records of so many events, as they stand on the topic."""
        name = self._worker._setup.topics.decisions
        written = 0
        story = tried(self.arms, events // batch) if self.tries else {}
        for begun in range(0, events, batch):
            for version in story.get(begun // batch, ()):
                # Nobody's clock is quite right.
                self.publish(version, self.chance.randrange(-4_000, 4_000))
            self.now_ms += self.chance.randrange(1, 3_000)
            self.known_ms = self.now_ms - (5_000 if not self.steady and self.chance.random() < 0.2 else 0)
            if begun and self.chance.random() < 0.2:
                self.learn()
            for _ in range(3):
                self.stock(self.chance.randrange(self.products))
            for value in self._decided([self._event(begun + place) for place in range(min(batch, events - begun))]):
                yield DumpRecord(name, 0, written, self.now_ms, b"u", value)
                written += 1

    def _decided(self, records: list[Record]) -> list[bytes]:
        values: list[bytes] = []
        step = self._worker.step(records)
        assert step.bulk is not None
        step.bulk(lambda _topic, value, _key: values.append(bytes(value)), lambda: None)
        assert list(step.outs) is not None
        self._worker.committed(records)
        return values

    def _event(self, number: int) -> Record:
        chance, partition = self.chance, number % 2
        body = {
            "kind": chance.choice(["product_viewed", "list_viewed", "cart_added"]),
            "event_id": f'e{number}"',
            "user_id": f"u{chance.randrange(self.shoppers)}",
            "time": datetime.fromtimestamp(self.now_ms / 1000, UTC).isoformat(),
            # One product in sixty is unknown.
            "product_id": f"p{chance.randrange(self.products + 1)}",
        }
        offset = self._offsets[partition]
        self._offsets[partition] += 1
        return Record(
            self._worker._setup.topics.events, partition, offset, self.now_ms, b"u", json.dumps(body).encode()
        )

    # What serve sees of the states.

    def take_changed(self) -> frozenset[str]:
        changed, self._changed = self._changed, set()
        return frozenset(changed | self.pool.take_changed())

    def swap(self) -> int:
        return 0

    def whole(self) -> bool:
        return True

    def catalogue_ms(self) -> int:
        return self.known_ms

    def copy_ms(self) -> int:
        return self.known_ms

    def ages(self, _now_ms: int) -> Mapping[str, float]:
        return {}


def tried(arms: Sequence[str], batches: int) -> dict[int, list[ExperimentRecord]]:
    """Versions of experiments of every mode by the batch before which they come: drafts, starts, and stops."""
    usual: dict[str, Any] = {"metric": "ctr", "rule": StoppingRule(max_shoppers=100), "by": "ada", "why": "a test"}

    def drawn_up(name: str, names: Sequence[str], **more: Any) -> ExperimentRecord:
        each = [ExperimentArm(arm, 1 + place) for place, arm in enumerate(("template", *names))]
        plan = planned(each, baseline=0.1, effect=0.5, per_shopper=8, design_effect=2, alpha=0.05, power=0.8)
        return draft(name, arms=each, plan=plan, time_ms=1, **usual, **more)

    def go(record: ExperimentRecord, running: Sequence[ExperimentRecord] = ()) -> ExperimentRecord:
        return started(record, running, time_ms=2, by="ada", why="go")

    three = drawn_up("three", arms[:2], layer="a", buckets=3_000, holdout=0.1)
    one = drawn_up("one", arms[1:2], layer="b", buckets=6_000)
    twins = drawn_up("twins", ("twin",), layer="a", buckets=2_500, mode="aa")
    drawn = drawn_up("drawn", arms[:2], layer="a", buckets=3_500, mode="adaptive", holdout=0.1)
    later = drawn_up("later", arms[:1], layer="a", buckets=3_000)
    running = [go(three)]
    running += [go(twins, running)]
    running += [go(drawn, running)]
    over = stopped(running[0], time_ms=3, by="ada", why="enough")
    at = [batches * tenth // 10 for tenth in (1, 2, 3, 6, 8)]
    return {
        at[0]: [three, running[0], twins, running[1]],
        at[1]: [drawn, running[2]],
        at[2]: [one, go(one)],
        at[3]: [over],
        at[4]: [later, go(later, running[1:])],
    }


def log_of(shop: Shop, topic: str = "patter.policy.log.v1") -> list[DumpRecord]:
    """The snapshots as they stand on the policy log."""
    return [
        DumpRecord(topic, 0, place, each.created_ms, str(each.version).encode(), msgspec.json.encode(each))
        for place, each in enumerate(shop.snapshots)
    ]
