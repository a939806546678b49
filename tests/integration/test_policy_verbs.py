"""`patter policy` on a real broker while learn runs: rollback, kill, resume and the history, whatever dies between."""

import getpass
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from role_workers import Workers, settings_on, until, write_config
from typer.testing import CliRunner

from features.store import FeatureOptions
from features.store.apply import apply as apply_features
from inference.decide.acts import Act, killed
from patter.cli import build
from patter.policies.log import history
from patter.settings import Settings
from patter.wiring.policy import newest_policy, publish_act, publish_prior
from schemas.cells import DAY, YOUNG, ArmCell, Cell, bucket_name, bucket_start
from schemas.errors import ConfigError
from schemas.partials import Partial, partial_key
from schemas.policies import PolicySnapshot
from schemas.token import CodeName, code_of
from schemas.topics import CATALOGUE
from streams.brokers.embedded import start_embedded
from streams.brokers.embedded import stop as stop_embedded
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.partitions import partition_of
from streams.learn.output import PolicyOutput

pytestmark = pytest.mark.integration

PARTITIONS, SOURCE = 4, "log-a:0"
ARMS = ("template", "warm_discover", "bold_shop")
# Longer than learn takes from a partial to a policy where one is due (every_s is 1).
QUIET_S = 4.0


class Counting:
    """Counts as collect does: a cell's sum for all time, its day, and its five minutes."""

    def __init__(self, settings: Settings, topics: dict[str, str]) -> None:
        self._producer = Producer(producer_config(KafkaOptions(bootstrap=settings.kafka.bootstrap)))
        self._topic, self._through = topics["partials"], 0
        self._sums: dict[str, dict[str, int]] = {}
        for name in ("default", "bags", "new", *ARMS):
            entry = CodeName(code_of(name), "any", name)
            self._producer.produce(topics["codes"], key=f"{entry.code:08x}".encode(), value=msgspec.json.encode(entry))

    def count(self, arm: str, impressions: int, clicks: int) -> None:
        self._through += 1
        codes = ArmCell(*(code_of(name) for name in ("default", "bags", "new", arm)))
        now = round(time.time() * 1000)
        for bucket in ("life", *(bucket_name(width, bucket_start(width, now)) for width in (DAY, YOUNG))):
            at = Cell("cohort", bucket, codes).text()
            sums = self._sums.setdefault(at, {"impressions": 0, "clicks": 0})
            sums["impressions"] += impressions
            sums["clicks"] += clicks
            value = msgspec.json.encode(Partial(source=SOURCE, cell=at, through=self._through, counters=dict(sums)))
            place = partition_of(at.encode(), PARTITIONS)
            self._producer.produce(self._topic, key=partial_key(SOURCE, at).encode(), value=value, partition=place)
        assert self._producer.flush(10) == 0


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    return settings_on(local_broker, fresh_topics, tmp_path)


@pytest.fixture
def workers(settings: Settings, tmp_path: Path) -> Iterator[Workers]:
    apply_features(FeatureOptions(data_dir=settings.data_dir))
    made = Workers("learn", tmp_path, write_config(settings, tmp_path / "patter.toml"))
    yield made
    for member in list(made.running):
        made.kill(member)


def test_older_beliefs_are_held_and_every_act_is_in_the_history(
    settings: Settings, workers: Workers, fresh_topics: dict[str, str]
) -> None:
    def asked(*words: object) -> dict[str, Any]:
        done = CliRunner().invoke(build(), ["policy", *map(str, words), "--config", str(workers.config), "--json", "-"])
        if done.exception is not None:
            raise done.exception
        return json.loads(done.stdout)

    def newest() -> PolicySnapshot:
        found = newest_policy(settings)
        assert found is not None
        return found

    def favoured() -> str:
        found = newest()
        beliefs = found.cells[0].arms if found.cells else {}
        return max(beliefs, key=lambda arm: beliefs[arm].alpha / (beliefs[arm].alpha + beliefs[arm].beta), default="")

    counting = Counting(settings, fresh_topics)
    asked("set", "--why", "to begin with")
    workers.start("learn-0")
    counting.count("warm_discover", 1_000, 300)
    counting.count("bold_shop", 1_000, 50)
    until(lambda: favoured() == "warm_discover", lambda: workers.said("learn-0"))
    good = newest()
    counting.count("bold_shop", 30_000, 15_000)
    until(lambda: favoured() == "bold_shop", lambda: workers.said("learn-0"))

    held = asked("rollback", good.version, "--why", "clicks of a broken page")["policy"]
    assert (held["held"], held["cause"], held["why"]) == (good.version, "rollback", "clicks of a broken page")
    assert held["cells"] == msgspec.to_builtins(good.cells)

    def nothing_comes(after: int) -> None:
        time.sleep(QUIET_S)
        assert newest().version == after

    # Counts go on, and what is believed does not.
    counting.count("bold_shop", 1_000, 900)
    nothing_comes(held["version"])
    # Not even where the writer dies and another begins.
    workers.kill("learn-0")
    workers.start("learn-1")
    until(lambda: workers.ready("learn-1"), lambda: workers.said("learn-1"))
    counting.count("bold_shop", 1_000, 900)
    nothing_comes(held["version"])

    killed = asked("set", "--kill", "--why", "a wrong claim")["policy"]
    assert (killed["kill"], killed["held"], killed["version"]) == (True, good.version, held["version"] + 1)
    counting.count("bold_shop", 1_000, 900)
    nothing_comes(killed["version"])
    revived = asked("set", "--no-kill", "--why", "put right")["policy"]
    assert (revived["kill"], revived["held"], revived["cells"]) == (False, good.version, held["cells"])
    nothing_comes(revived["version"])

    resumed = asked("resume", "--why", "the page is well")["policy"]
    until(lambda: newest().version > resumed["version"], lambda: workers.said("learn-1"))
    assert (favoured(), newest().by, newest().held) == ("bold_shop", "learn", None)

    told = asked("history", "--last", 0)
    who = getpass.getuser()
    acts = [(each["cause"], each["by"], each["why"]) for each in told["shown"] if each["cause"] != "learned"]
    assert acts == [
        ("set", who, "to begin with"),
        ("rollback", who, "clicks of a broken page"),
        ("kill", who, "a wrong claim"),
        ("revive", who, "put right"),
        ("resume", who, "the page is well"),
    ]
    assert {each["by"] for each in told["shown"] if each["cause"] == "learned"} == {"learn"}
    assert [each["version"] for each in told["shown"]] == list(range(1, told["versions"] + 1))
    assert (told["cut_before"], told["gaps"], told["unlogged"]) == (None, [], None)

    # Retention takes the beginning of the log: transactions leave a marker behind each record.
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap})
    log = fresh_topics["policy_log"]
    (done,) = admin.delete_records([TopicPartition(log, 0, 2 * good.version)]).values()
    done.result(30)
    cut = asked("history", "--last", 0)
    assert cut["cut_before"] == good.version + 1
    assert cut["shown"][0]["changes"] is None
    assert cut["versions"] == told["versions"] - good.version
    with pytest.raises(ConfigError, match=f"begins with version {good.version + 1}"):
        asked("rollback", good.version, "--why", "gone")
    assert workers.stop("learn-1") == 0, workers.said("learn-1")


def test_without_transactions_what_came_second_is_published_once_more(tmp_path: Path) -> None:
    broker = start_embedded({topic.name: topic.partitions for topic in CATALOGUE}, tmp_path / "broker")
    settings = Settings(kafka={"bootstrap": broker.bootstrap, "delivery": "at_least_once"})
    options = KafkaOptions(bootstrap=broker.bootstrap, delivery="at_least_once")
    try:
        publish_prior(settings, "ann", "to begin with")
        other = PolicyOutput(options, "patter.policy.v1", "patter.policy.log.v1", settings.tenant)
        made: list[PolicySnapshot] = []

        def make(newest: PolicySnapshot, at_ms: int) -> PolicySnapshot:
            if not made:
                # Between the look and the publishing, as learn may do it.
                other.publish(msgspec.structs.replace(newest, version=newest.version + 1, by="learn"))
            made.append(killed(newest, Act("ann", "stop", at_ms)))
            return made[-1]

        told = publish_act(settings, make)
        other.close()
        assert ([each.version for each in made], told.version) == ([2, 3], 3)
        assert newest_policy(settings) == told
        log = history(settings, None, 0, ())
        assert [(each.version, each.by) for each in log.shown] == [(1, "ann"), (2, "learn"), (2, "ann"), (3, "ann")]
        assert log.shown[2].changes == ["a version of this number was there: no worker takes it"]
        assert log.shown[3].kill
    finally:
        stop_embedded(broker)
