"""Online equals batch on a real broker: collect in a process of its own, killed with -9 while it counts a log with all
that goes wrong; then a topic that is made anew; then a log that is cut, and a checkpoint.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from feedback_events import KEYS
from role_workers import Workers, settings_on, until, write_config
from shop_story import Story, drawn
from typer.testing import CliRunner

from features.aggregates.records import Written
from features.store import FeatureOptions
from features.store.apply import apply as apply_features
from patter.cli import build
from patter.settings import Settings
from patter.verify.run import open_published, verify_online
from patter.wiring.kafka import group_of
from schemas.errors import Code, ConfigError
from schemas.partials import Partial, partial_key
from schemas.sketches import ALL_TIME, DISTINCT, Name, Sketch, shopper_number, sketch_key
from schemas.topics import BY_LOGICAL
from streams.kafka.admin import apply
from streams.kafka.committed import committed
from streams.kafka.config import KafkaOptions, producer_config
from streams.kafka.partitions import partition_of
from streams.kafka.records import Record

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
MEMBER = "collect-0"
PARTITIONS = (0, 1)


class Shop:
    """The shop's log, and collect on it."""

    def __init__(self, settings: Settings, config: Path, workers: Workers) -> None:
        self.settings, self.config, self.workers = settings, config, workers
        self.options = KafkaOptions(bootstrap=settings.kafka.bootstrap)
        self.events = settings.topics["events"].name or ""
        self.admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap})

    def keep_for_ever(self) -> None:
        """These events are of long ago, and retention would not wait for the test."""
        entry = ConfigEntry("retention.ms", "-1", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, self.events, incremental_configs=[entry])
        for future in self.admin.incremental_alter_configs([resource]).values():
            future.result()

    def send(self, records: list[Record]) -> None:
        producer = Producer(producer_config(self.options))
        for record in records:
            producer.produce(self.events, value=record.value, partition=record.partition, timestamp=record.timestamp_ms)
        assert producer.flush(30) == 0

    def start(self) -> None:
        self.workers.start(MEMBER)
        until(lambda: self.workers.ready(MEMBER), lambda: self.workers.said(MEMBER))

    def counted(self) -> dict[int, int]:
        return committed(self.options, group_of(self.settings, "collect"), self.events, PARTITIONS)

    def until_counted(self, ends: dict[int, int]) -> None:
        until(lambda: self.counted() == ends, lambda: (self.counted(), ends, self.workers.said(MEMBER)))

    def cut(self, offset: int) -> None:
        """Retention drops what lies below an offset of partition 0."""
        for future in self.admin.delete_records([TopicPartition(self.events, 0, offset)]).values():
            future.result()

    def verb(self, *options: str) -> tuple[int, str]:
        """`patter verify`: exit code, and what it says."""
        ran = CliRunner().invoke(build(), ["verify", "--config", str(self.config), "--timeout", "30", *options])
        if isinstance(ran.exception, ConfigError):
            assert ran.exception.code is Code.CHECKPOINT_REFUSED
            return ran.exception.exit_code, ran.exception.line()
        return ran.exit_code, ran.output


def ends_of(records: list[Record]) -> dict[int, int]:
    return {partition: sum(record.partition == partition for record in records) for partition in PARTITIONS}


@pytest.fixture
def shop(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Iterator[Shop]:
    key = tmp_path / "token.key"
    key.write_bytes(KEYS[1])
    made = settings_on(local_broker, fresh_topics, tmp_path)
    tokens = {"active": 1, "keys": [{"id": 1, "ref": f"file:{key}"}]}
    settings = Settings(**{**made.model_dump(exclude_unset=True), "tokens": tokens})
    config = write_config(settings, tmp_path / "patter.toml")
    config.write_text(f'{config.read_text()}\n[tokens]\nactive = 1\nkeys = [{{ id = 1, ref = "file:{key}" }}]\n')
    apply_features(FeatureOptions(data_dir=settings.data_dir))
    workers = Workers("collect", tmp_path, config)
    made_shop = Shop(settings, config, workers)
    made_shop.keep_for_ever()
    yield made_shop
    for member in list(workers.running):
        workers.kill(member)


def test_kills_and_a_topic_that_is_made_anew(shop: Shop) -> None:
    records = Story().tell(drawn(7, 240))
    third = len(records) // 3
    shop.start()
    for part in range(3):
        shop.send(records[part * third : (part + 1) * third] if part < 2 else records[2 * third :])
        if part < 2:
            # It is in the midst of a batch, or of its transaction, or between two.
            before = shop.counted()
            until(lambda before=before: shop.counted() != before, lambda: shop.workers.said(MEMBER))
            shop.workers.kill(MEMBER)
            shop.start()
    shop.until_counted(ends_of(records))
    first = verify_online(shop.settings, 30)
    assert first.failures() == []
    assert first.cells > 20
    assert first.sketches > 20
    assert first.records_read == len(records)

    shop.workers.stop(MEMBER)
    for future in shop.admin.delete_topics([shop.events]).values():
        future.result()
    until(lambda: shop.events not in shop.admin.list_topics(timeout=10).topics)
    apply(shop.options, [msgspec.structs.replace(BY_LOGICAL["events"], name=shop.events)])
    shop.keep_for_ever()
    again = Story().tell(drawn(8, 60))
    shop.start()
    shop.send(again)
    shop.until_counted(ends_of(again))
    second = verify_online(shop.settings, 30)
    assert second.failures() == []
    assert second.records_read == len(again)


def test_a_log_that_is_cut_is_counted_on_from_a_checkpoint(shop: Shop) -> None:
    records = Story().tell(drawn(9, 240))
    half = len(records) // 2
    before, whole = ends_of(records[:half]), ends_of(records)
    shop.start()
    shop.send(records[:half])
    shop.until_counted(before)
    code, said = shop.verb("--checkpoint")
    assert (code, "written" in said) == (0, True), said

    shop.send(records[half:])
    shop.until_counted(whole)
    shop.cut(before[0])
    code, said = shop.verb("--json", str(shop.config.parent / "verify.json"))
    assert (code, f": 0 from {before[0]}\n" in said) == (0, True), said
    told = msgspec.json.decode((shop.config.parent / "verify.json").read_bytes())
    assert told["checkpoint"]["through"] == {"0": before[0] - 1}
    assert told["records_read"] == len(records) - before[0]

    found = open_published(shop.settings)
    found.refresh()
    source, cells = next((source, cells) for source, cells in found.cells.items() if source.endswith(":0"))
    cell = max((cell for cell in cells if cell.startswith("cohort|life|")), key=lambda name: -cells[name][0])
    through, counters = cells[cell]
    publish(shop, source, cell, through, {**counters, "impressions": counters["impressions"] + 1})
    code, said = shop.verb()
    assert (code, f"{cell} impressions" in said) == (1, True), said
    publish(shop, source, cell, through, counters)

    reach = found.reach(source, 0)
    assert reach is not None
    life = Name(DISTINCT, "impressions", ALL_TIME)
    publish_sketches(shop, reach)
    assert shop.verb()[0] == 0
    sound_data, spoilt = reach.reach.data(life), reach.reach.distinct(life)
    spoilt.add(shopper_number("mallory"))
    reach.reach.put(life, spoilt.data())
    publish_sketches(shop, reach)
    code, said = shop.verb()
    assert (code, f"sketch|{life.text()} shoppers" in said) == (1, True), said
    reach.reach.put(life, sound_data)
    publish_sketches(shop, reach)

    told = msgspec.json.decode(
        CliRunner().invoke(build(), ["reach", "--config", str(shop.config), "--json", "-"]).output
    )
    cells = [counters for each in found.cells.values() for cell, (_, counters) in each.items() if "cohort|life" in cell]
    for kind in ("impressions", "clicks", "orders", "revenue_minor"):
        assert told["buckets"][0]["products"][kind]["total"] == sum(counters.get(kind, 0) for counters in cells)

    # A checkpoint upon a checkpoint, which reaches further.
    result = verify_online(shop.settings, 30, keep_at=datetime.now(UTC))
    assert (result.failures(), result.checkpoint is None, result.kept is None) == ([], False, False)
    shop.cut(whole[0])
    assert shop.verb("--resume")[0] == 0

    folder = Path(shop.settings.data_dir) / "checkpoints" / (result.kept or "")
    state = folder / "state.duckdb"
    sound = state.read_bytes()
    state.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    code, said = shop.verb()
    assert (code, "state is not what was signed" in said) == (2, True), said
    # The one before does not reach the log any more.
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    code, said = shop.verb()
    assert (code, "does not reach it" in said) == (4, True), said


def publish_sketches(shop: Shop, written: Written) -> None:
    """A source's sketches, whole, as if collect had written them so."""
    producer = Producer(producer_config(shop.options))
    for name in written.reach.names():
        sketch = Sketch(
            source=written.source, since=written.since, through=written.through, high_ms=written.high_ms, name=name,
            data=written.reach.data(name),
        )  # fmt: skip
        key, value = sketch_key(written.source, name), msgspec.json.encode(sketch)
        producer.produce(shop.settings.topics["sketches"].name or "", key=key, value=value, partition=0)
    assert producer.flush(30) == 0


def publish(shop: Shop, source: str, cell: str, through: int, counters: dict[str, int]) -> None:
    """An entry of partials, as if collect had counted so."""
    producer = Producer(producer_config(shop.options))
    producer.produce(
        shop.settings.topics["partials"].name or "",
        key=partial_key(source, cell),
        value=msgspec.json.encode(Partial(source=source, cell=cell, through=through, counters=counters)),
        partition=partition_of(cell.encode(), 4),
    )
    assert producer.flush(30) == 0
