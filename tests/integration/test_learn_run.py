"""`patter run learn` as processes on a real broker: sums through duplicates, aborts and deaths, and the policy."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer
from role_workers import Workers, settings_on, until, write_config

from features.store import FeatureOptions
from features.store.apply import apply as apply_features
from features.store.opening import open_store
from patter.settings import Settings
from patter.wiring.policy import newest_policy, publish_prior
from schemas.cells import DAY as DAY_WIDTH
from schemas.cells import ArmCell, Cell, bucket_name, cell_of
from schemas.partials import CellMetrics, Partial, Progress, partial_key, progress_key
from schemas.policies import PolicySnapshot
from schemas.token import CodeName, code_of
from schemas.topics import CATALOGUE
from streams.brokers.embedded import start_embedded
from streams.brokers.embedded import stop as stop_embedded
from streams.kafka.config import KafkaOptions, producer_config, transactional_config
from streams.kafka.dump import read_topic
from streams.kafka.partitions import partition_of
from streams.learn.cells import summed

pytestmark = pytest.mark.integration

PARTITIONS = 4
SOURCES = ["life-a:0", "life-a:1", "life-a:2"]
GOOD, BAD = "warm_discover", "bold_shop"
NAMES = ["default", "bags", "shoes", "new", "regular", "template", GOOD, BAD, "plain_none"]


def cell(category: str, segment: str, arm: str, bucket: str = "life") -> Cell:
    return Cell("cohort", bucket, ArmCell(code_of("default"), code_of(category), code_of(segment), code_of(arm)))


CELLS = [
    cell(category, segment, arm)
    for category in ("bags", "shoes")
    for segment in ("new", "regular")
    for arm in ("template", GOOD, BAD, "plain_none")
]
EXPIRING = cell("bags", "new", GOOD, bucket_name(DAY_WIDTH, 1_800_000_000_000))


class Log:
    """Writes partials as collect does, and knows what is true."""

    def __init__(self, bootstrap: str, topics: dict[str, str]) -> None:
        options = KafkaOptions(bootstrap=bootstrap)
        self.topics = topics
        self.plain = Producer(producer_config(options))
        self.transactional = Producer(transactional_config(options, f"collect.{topics['partials']}"))
        self.transactional.init_transactions(30)
        self.truth: dict[str, dict[str, tuple[int, dict[str, int]]]] = {}
        self.counts: dict[tuple[str, str], dict[str, int]] = {}
        self.through = dict.fromkeys(SOURCES, -1)
        self.chance = random.Random(4)
        for name in NAMES:
            entry = CodeName(code_of(name), "any", name)
            self.plain.produce(topics["codes"], key=f"{entry.code:08x}".encode(), value=msgspec.json.encode(entry))
        self.plain.flush(10)

    def put(self, producer: Producer, key: str, place: str, value: object) -> None:
        data = None if value is None else msgspec.json.encode(value)
        number = partition_of(place.encode(), PARTITIONS)
        producer.produce(self.topics["partials"], key=key.encode(), value=data, partition=number)

    def partial(self, producer: Producer, source: str, at: str) -> None:
        through, counters = self.truth[at][source]
        value = Partial(source=source, cell=at, through=through, counters=counters)
        self.put(producer, partial_key(source, at), at, value)

    def round(self) -> None:
        """Each source counts on in some cells; every third transaction is aborted and comes again."""
        for source in SOURCES:
            self.through[source] += self.chance.randint(1, 50)
            touched = self.chance.sample(CELLS, 6)
            for each in touched:
                counters = dict(self.counts.get((source, each.text()), {}))
                shown = self.chance.randint(5, 30)
                rate = 0.4 if each.arm.variant == code_of(GOOD) else 0.05
                clicks = sum(self.chance.random() < rate for _ in range(shown))
                counters["impressions"] = counters.get("impressions", 0) + shown
                if clicks:
                    counters["clicks"] = counters.get("clicks", 0) + clicks
                before = self.truth.get(each.text(), {}).get(source)
                self.counts[source, each.text()] = counters
                self.truth.setdefault(each.text(), {})[source] = (self.through[source], counters)
                if before is not None and self.chance.random() < 0.3:
                    # What a worker had under way when it died: older, after the newer one below.
                    stale = Partial(source=source, cell=each.text(), through=before[0], counters=before[1])
                    self.partial(self.plain, source, each.text())
                    self.put(self.plain, partial_key(source, each.text()), each.text(), stale)
            for aborted in (True, False) if self.chance.random() < 0.34 else (False,):
                self.transactional.begin_transaction()
                for each in touched:
                    self.partial(self.transactional, source, each.text())
                high = Progress(source=source, through=self.through[source], high_ms=int(time.time() * 1000))
                self.put(self.transactional, progress_key(source), progress_key(source), high)
                self.transactional.flush(10)
                if aborted:
                    self.transactional.abort_transaction(10)
                else:
                    self.transactional.commit_transaction(10)
        assert self.plain.flush(10) == 0


def newest_metrics(settings: Settings, topic: str) -> dict[str, CellMetrics]:
    found: dict[str, CellMetrics] = {}
    decoder = msgspec.json.Decoder(CellMetrics)
    for record in read_topic(KafkaOptions(bootstrap=settings.kafka.bootstrap), topic):
        key = (record.key or b"").decode()
        if not record.value:
            found.pop(key, None)
            continue
        value = decoder.decode(record.value)
        if key not in found or value.revision >= found[key].revision:
            found[key] = value
    return found


def sources(metrics: dict[str, CellMetrics]) -> dict[str, dict[str, tuple[int, dict[str, int]]]]:
    return {key: dict(value.sources) for key, value in metrics.items()}


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    return settings_on(local_broker, fresh_topics, tmp_path)


@pytest.fixture
def workers(settings: Settings, tmp_path: Path) -> Iterator[Workers]:
    apply_features(FeatureOptions(data_dir=settings.data_dir))
    # These partials are sums for all time, without the buckets that ages are told by; with them: test_policy_verbs.py.
    ageless = ("learn.half_life_days = 0", "learn.mature_hours = 0")
    made = Workers("learn", tmp_path, write_config(settings, tmp_path / "patter.toml", *ageless))
    yield made
    for member in list(made.running):
        made.kill(member)


def test_sums_are_right_whatever_dies_and_the_better_arm_is_favoured(
    settings: Settings, workers: Workers, fresh_topics: dict[str, str]
) -> None:
    log = Log(settings.kafka.bootstrap, fresh_topics)
    topic = fresh_topics["metrics"]

    def settled() -> bool:
        return sources(newest_metrics(settings, topic)) == log.truth

    def differing() -> object:
        found = sources(newest_metrics(settings, topic))
        return [
            (key, found.get(key), log.truth.get(key))
            for key in {*found, *log.truth}
            if found.get(key) != log.truth.get(key)
        ][:3]

    for _ in range(5):
        log.round()
    workers.start("learn-0")
    until(lambda: workers.ready("learn-0"), lambda: workers.said("learn-0"))
    until(settled, differing)
    workers.start("learn-1")
    until(lambda: workers.ready("learn-1"), lambda: workers.said("learn-1"))
    for _ in range(5):
        log.round()
    until(settled, differing)
    # The gauge is of a timer of its own, and may be a second older than what is published.
    until(lambda: (workers.metric("learn-0", 'patter_cells{role="learn"}') or 0) < len(CELLS))

    workers.kill("learn-0")
    for _ in range(3):
        log.round()
    until(settled, lambda: (differing(), workers.said("learn-1")))
    workers.start("learn-0")
    for _ in range(3):
        log.round()
    until(lambda: workers.ready("learn-0"), lambda: workers.said("learn-0"))
    until(settled, differing)

    newest = newest_metrics(settings, topic)
    for key, value in newest.items():
        assert value.counters == summed(log.truth[key])
        assert value.revision == sum(through + 1 for through, _ in log.truth[key].values())
        assert (value.experiment, value.category, value.segment) == ("default", *_place(value))
        rate = value.rates["ctr"]
        assert rate.value == value.counters.get("clicks", 0) / value.counters["impressions"]
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low <= rate.value <= rate.high

    def favours() -> bool:
        policy = newest_policy(settings)
        if policy is None or len(policy.cells) < 4:
            return False
        means = [
            {arm: belief.alpha / (belief.alpha + belief.beta) for arm, belief in each.arms.items()}
            for each in policy.cells
        ]
        return all(max(each, key=lambda arm: each[arm]) == GOOD for each in means)

    until(favours)
    owner = [member for member in workers.running if workers.metric(member, arm_rate(GOOD))]
    assert owner
    assert (workers.metric(owner[0], arm_rate(GOOD)) or 0) > (workers.metric(owner[0], arm_rate(BAD)) or 1)
    versions = [
        msgspec.json.decode(record.value or b"")["version"]
        for record in read_topic(KafkaOptions(bootstrap=settings.kafka.bootstrap), fresh_topics["policy_log"])
    ]
    assert versions == list(range(1, len(versions) + 1))
    assert workers.stop("learn-0") == 0, workers.said("learn-0")
    assert workers.stop("learn-1") == 0, workers.said("learn-1")


def published(settings: Settings) -> list[PolicySnapshot]:
    topic = settings.topics["policy_log"].name
    decoder = msgspec.json.Decoder(PolicySnapshot)
    records = read_topic(KafkaOptions(bootstrap=settings.kafka.bootstrap), topic or "")
    return [decoder.decode(record.value or b"") for record in records]


def shown_by_the_store(settings: Settings) -> object:
    store = open_store(FeatureOptions(data_dir=settings.data_dir))
    keys = [{"variant_id": GOOD, "segment_id": "new"}]
    return store.get_online_features(["copy_stats:impressions"], keys).to_dict()["impressions"]


def test_cells_go_a_kill_switch_holds_and_the_store_is_told(
    settings: Settings, workers: Workers, fresh_topics: dict[str, str]
) -> None:
    log, topic = Log(settings.kafka.bootstrap, fresh_topics), fresh_topics["metrics"]
    at = EXPIRING.text()
    log.truth[at] = {source: (7, {"impressions": 3}) for source in SOURCES[:2]}
    for source in SOURCES[:2]:
        log.partial(log.plain, source, at)
    log.round()
    publish_prior(settings, "a test", "before anything")
    workers.start("learn-0")
    until(lambda: sources(newest_metrics(settings, topic)) == log.truth, lambda: workers.said("learn-0"))
    until(lambda: published(settings)[-1].by == "learn", lambda: workers.said("learn-0"))

    for source in SOURCES[:2]:
        log.put(log.plain, partial_key(source, at), at, None)
    log.plain.flush(10)
    del log.truth[at]
    until(lambda: at not in newest_metrics(settings, topic), lambda: workers.said("learn-0"))
    until(lambda: sources(newest_metrics(settings, topic)) == log.truth)

    killed = publish_prior(settings, "a test", "stop", kill=True)
    log.round()
    until(lambda: sources(newest_metrics(settings, topic)) == log.truth)
    until(lambda: (workers.metric("learn-0", 'patter_policy_version{role="learn"}') or 0) >= killed.version)
    time.sleep(2.5)
    assert published(settings)[-1] == killed
    again = publish_prior(settings, "a test", "go on")
    until(lambda: published(settings)[-1].version > again.version, lambda: workers.said("learn-0"))
    versions = [each.version for each in published(settings)]
    assert versions == list(range(1, len(versions) + 1))
    assert published(settings)[-1].by == "learn"

    shown = sum(
        counters["impressions"]
        for key, held in log.truth.items()
        if cell_of(key).arm.variant == code_of(GOOD) and cell_of(key).arm.segment == code_of("new")
        for _, counters in held.values()
    )

    assert shown
    until(
        lambda: shown_by_the_store(settings) == [shown],
        lambda: (shown_by_the_store(settings), shown, workers.said("learn-0")),
    )
    assert workers.stop("learn-0") == 0, workers.said("learn-0")


def test_it_runs_on_the_embedded_broker(tmp_path: Path) -> None:
    broker = start_embedded({topic.name: topic.partitions for topic in CATALOGUE}, tmp_path / "broker")
    names = {topic.logical: topic.name for topic in CATALOGUE}
    config = tmp_path / "patter.toml"
    config.write_text(
        f'data_dir = "{tmp_path / "data"}"\n[kafka]\nbootstrap = "{broker.bootstrap}"\ndelivery = "at_least_once"\n'
    )
    settings = Settings(kafka={"bootstrap": broker.bootstrap, "delivery": "at_least_once"})
    workers = Workers("learn", tmp_path, config)
    log = Log(broker.bootstrap, names)
    try:
        log.round()
        workers.start("learn-0")
        until(lambda: sources(newest_metrics(settings, names["metrics"])) == log.truth, lambda: workers.said("learn-0"))
        log.round()
        until(lambda: sources(newest_metrics(settings, names["metrics"])) == log.truth, lambda: workers.said("learn-0"))
        until(lambda: newest_policy(settings) is not None, lambda: workers.said("learn-0"))
        assert workers.stop("learn-0") == 0, workers.said("learn-0")
    finally:
        for member in list(workers.running):
            workers.kill(member)
        stop_embedded(broker)


def arm_rate(arm: str) -> str:
    return f'patter_arm_rate{{arm="{arm}",rate="ctr",role="learn"}}'


def _place(value: CellMetrics) -> tuple[str, str]:
    assert value.category in ("bags", "shoes")
    assert value.segment in ("new", "regular")
    return value.category, value.segment
