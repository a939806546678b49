"""`patter verify` on a broker: barrier, snapshot, holes in offsets, cut logs, and its exit codes."""

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from feedback_log import RULES, START_MS, Log, line, token
from typer.testing import CliRunner

from patter.cli import build
from patter.settings import Settings, load
from patter.verify.check import expected
from patter.verify.run import open_event_log, open_published, verify_online
from schemas.partials import Partial, Progress, partial_key, progress_key
from schemas.topics import CATALOGUE
from streams.brokers import embedded
from streams.kafka.config import KafkaOptions, producer_config, transactional_config
from streams.kafka.incarnation import incarnation_of, source_of
from streams.kafka.partitions import partition_of

pytestmark = pytest.mark.integration


class Shop:
    """Writes events and plays collect by hand, on partition 0."""

    def __init__(self, settings: Settings, options: KafkaOptions, names: Mapping[str, str]) -> None:
        self.settings, self.options, self.names = settings, options, names
        self.source = source_of(incarnation_of(options, names["events"], settings.kafka.incarnation), 0)

    def log(self) -> Log:
        log = Log()
        log.shown(token(1), 0)
        log.clicked(token(1), 1)
        log.ordered("o", line(), at=2)
        log.raw(b"junk")
        return log

    def send(self, log: Log, offset: int = 0, producer: Producer | None = None) -> None:
        """Events from a record of the log on, with the log's own timestamps."""
        sender = producer or Producer(producer_config(self.options))
        for _, timestamp, value in log.records[offset:]:
            sender.produce(self.names["events"], value=value, partition=0, timestamp=timestamp)
        assert sender.flush(30) == 0

    def publish(self, log: Log, through: int, spoil: Mapping[str, int] | None = None) -> None:
        """What collect publishes when it has reached `through`."""
        producer = Producer(producer_config(self.options))
        for cell, counters in expected({0: log.records[: through + 1]}, RULES)[0].items():
            entry = Partial(source=self.source, cell=cell, through=through, counters={**counters, **(spoil or {})})
            self._put(producer, partial_key(self.source, cell), msgspec.json.encode(entry), cell)
        key = progress_key(self.source)
        high = START_MS + min(through, 2)
        self._put(producer, key, msgspec.json.encode(Progress(source=self.source, through=through, high_ms=high)), key)
        assert producer.flush(30) == 0

    def remove(self, cell: str) -> None:
        producer = Producer(producer_config(self.options))
        self._put(producer, partial_key(self.source, cell), None, cell)
        assert producer.flush(30) == 0

    def _put(self, producer: Producer, key: str, value: bytes | None, by: str) -> None:
        producer.produce(self.names["partials"], key=key, value=value, partition=partition_of(by.encode(), 4))

    def commit(self, offset: int) -> None:
        config = {"bootstrap.servers": self.options.bootstrap, "group.id": f"patter-collect-{self.settings.tenant}"}
        consumer = Consumer(config)
        consumer.commit(offsets=[TopicPartition(self.names["events"], 0, offset)], asynchronous=False)
        consumer.close()


def settings_for(bootstrap: str, names: Mapping[str, str], tmp_path: Path, **kafka: str) -> Settings:
    key = tmp_path / "token.key"
    key.write_bytes(RULES.keys[1])
    given = {
        "tenant": names["events"],
        "data_dir": str(tmp_path),
        "kafka": {"bootstrap": bootstrap, **kafka},
        "topics": {logical: {"name": name} for logical, name in names.items()},
        # RULES, by which these tests count, hold nobody out.
        "experiment": {"holdout": 0.0},
        "tokens": {"active": 1, "keys": [{"id": 1, "ref": f"file:{key}"}]},
    }
    return load(None, given)


@pytest.fixture
def shop(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Shop:
    settings = settings_for(local_broker, fresh_topics, tmp_path)
    return Shop(settings, KafkaOptions(bootstrap=local_broker), fresh_topics)


def test_nothing_committed_is_nothing_to_check(shop: Shop) -> None:
    shop.send(shop.log())
    result = verify_online(shop.settings, 20)
    assert (result.equal, result.cells, result.exit_code) == (True, 0, 0)


def test_what_is_published_is_equal_and_says_what_was_read(shop: Shop) -> None:
    log = shop.log()
    shop.send(log)
    shop.publish(log, 1)
    shop.publish(log, 3)
    shop.commit(4)
    result = verify_online(shop.settings, 20)
    assert (result.differences, result.equal, result.exit_code) == ([], True, 0)
    assert (result.cells, result.records_read) == (8, 4)
    assert result.offsets[shop.names["events"]] == {0: (0, 4)}
    assert sum(end for _, end in result.offsets[shop.names["partials"]].values()) == 18


def test_online_may_be_ahead_of_the_barrier(shop: Shop) -> None:
    log = shop.log()
    shop.send(log)
    shop.publish(log, 3)
    shop.commit(1)
    assert verify_online(shop.settings, 20).differences == []


def test_what_was_committed_and_never_published_differs(shop: Shop) -> None:
    log = shop.log()
    shop.send(log)
    shop.publish(log, 1)
    shop.commit(4)
    result = verify_online(shop.settings, 0.5)
    assert [(each.cell, each.field, each.online, each.batch) for each in result.differences] == [
        ("progress", "through", 1, 3)
    ]
    assert (result.equal, result.differing, result.exit_code) == (False, 1, 1)


def test_a_wrong_counter_and_a_removed_cell_differ(shop: Shop) -> None:
    log = shop.log()
    shop.send(log)
    shop.publish(log, 3, {"imputed": 1})
    cells = sorted(expected({0: log.records}, RULES)[0])
    shop.remove(cells[0])
    shop.commit(4)
    result = verify_online(shop.settings, 20)
    assert {(each.cell, each.field) for each in result.differences} == {
        (cells[0], "through"),
        *((cell, "imputed") for cell in cells[1:]),
    }
    assert result.differing == 8


def test_markers_below_the_barrier_are_no_records(shop: Shop) -> None:
    log = shop.log()
    producer = Producer(transactional_config(shop.options, shop.names["events"]))
    producer.init_transactions(30)
    producer.begin_transaction()
    shop.send(log, producer=producer)
    producer.commit_transaction(30)
    shop.publish(log, 3)
    # The marker of the transaction has offset 4.
    shop.commit(5)
    result = verify_online(shop.settings, 20)
    assert (result.differences, result.records_read) == ([], 4)


def test_a_cut_log_is_inconclusive(shop: Shop) -> None:
    log = shop.log()
    shop.send(log)
    shop.publish(log, 3)
    shop.commit(4)
    admin = AdminClient({"bootstrap.servers": shop.options.bootstrap})
    for future in admin.delete_records([TopicPartition(shop.names["events"], 0, 1)]).values():
        future.result()
    result = verify_online(shop.settings, 20)
    assert (result.truncated_partitions, result.differences) == ([0], [])
    assert (result.equal, result.exit_code) == (False, 4)


def test_the_verb_tells_and_exits(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = shop.log()
    shop.send(log)
    shop.publish(log, 3, {"imputed": 2})
    shop.commit(4)
    given = shop.settings.model_dump(mode="json")
    for name, value in (
        ("TENANT", given["tenant"]),
        ("KAFKA", json.dumps(given["kafka"])),
        ("TOPICS", json.dumps({name: {"name": each} for name, each in shop.names.items()})),
        ("TOKENS", json.dumps(given["tokens"])),
        ("EXPERIMENT", json.dumps({"holdout": 0.0})),
    ):
        monkeypatch.setenv(f"PATTER_{name}", value)
    out = tmp_path / "verify.json"
    ran = CliRunner().invoke(build(), ["verify", "--timeout", "10", "--json", str(out)])
    assert ran.exit_code == 1
    assert "imputed: online 2, batch 0" in ran.output
    result = json.loads(out.read_bytes())
    assert (result["schema"], result["ok"], result["equal"]) == ("patter.verify/1", False, False)
    assert (result["cells"], result["differing"]) == (8, 8)
    assert result["failures"] == ["8 of 8 cells and 0 sketches differ"]
    assert result["differences"][0].keys() == {"partition", "cell", "field", "online", "batch"}


def test_it_works_on_the_embedded_broker_also_with_readers_of_ones_own(tmp_path: Path) -> None:
    names = {topic.logical: topic.name for topic in CATALOGUE}
    info = embedded.start_embedded({topic.name: topic.partitions for topic in CATALOGUE}, tmp_path / "broker")
    try:
        settings = settings_for(info.bootstrap, names, tmp_path, delivery="at_least_once", incarnation="life-1")
        shop = Shop(settings, KafkaOptions(bootstrap=info.bootstrap, delivery="at_least_once"), names)
        log = shop.log()
        shop.send(log)
        shop.publish(log, 1)
        events, published = open_event_log(settings), open_published(settings)
        events.refresh()
        published.refresh()
        shop.publish(log, 3)
        shop.commit(4)
        assert shop.source == "life-1:0"
        for result in (verify_online(settings, 10), verify_online(settings, 10, log=events, published=published)):
            assert (result.differences, result.cells, result.records_read) == ([], 8, 4)
    finally:
        embedded.stop(info)
