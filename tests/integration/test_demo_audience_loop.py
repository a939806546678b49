"""The audience on a broker: it hears committed decisions once each, answers in time, and comes to rest."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer
from heard import ARMS, START_MS, heard

from patter.demo.audience import Audience
from patter.demo.audience_loop import AudienceLoop
from patter.demo.audience_truth import TruthTable
from patter.demo.follow_cells import CellsFollower
from patter.demo.offsets import ends
from schemas.decode import Rejection, decode_event, time_ms
from schemas.events import Event
from schemas.partials import CellMetrics
from schemas.topics import BY_LOGICAL
from streams.brokers import embedded
from streams.kafka.config import KafkaOptions, producer_config, transactional_config
from streams.kafka.dump import read_topic
from streams.kafka.partitions import partition_of

pytestmark = pytest.mark.integration

TRUTH = TruthTable(3, ARMS)


def _audience() -> Audience:
    return Audience(3, "run", TRUTH)


def _wanted(numbers: range) -> Counter[str]:
    audience = _audience()
    return Counter(each.what for number in numbers for each in audience.react(heard(number), START_MS))


def _put(producer: Producer, topic: str, numbers: range) -> None:
    for number in numbers:
        decision = heard(number)
        producer.produce(topic, value=msgspec.json.encode(decision), key=decision.user_id.encode())
        producer.poll(0)


def _in_transaction(producer: Producer, topic: str, numbers: range, *, commit: bool = True) -> None:
    producer.begin_transaction()
    _put(producer, topic, numbers)
    if commit:
        producer.commit_transaction(30)
    else:
        producer.flush(30)
        producer.abort_transaction(30)


def _events(options: KafkaOptions, topic: str) -> list[tuple[int, Event]]:
    found = []
    for record in read_topic(options, topic):
        event = decode_event(record.value, record.timestamp_ms)
        assert not isinstance(event, Rejection), event
        assert record.key == event.user_id.encode()
        assert record.partition == partition_of(record.key, 4)
        assert event.event_id.endswith("-l") or abs(time_ms(event.time) - record.timestamp_ms) < 2_000
        found.append((record.timestamp_ms, event))
    return found


def _until(told: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_committed_decisions_are_answered_and_others_are_not(local_broker: str, fresh_topics: dict[str, str]) -> None:
    options = KafkaOptions(bootstrap=local_broker)
    decisions, events = fresh_topics["decisions"], fresh_topics["events"]
    writer = Producer(transactional_config(options, f"t-{decisions}"))
    writer.init_transactions(30)
    _in_transaction(writer, decisions, range(5_000, 5_040))
    # Committed records are there a moment after the commit, and only then is the end behind them.
    _until(lambda: sum(1 for _ in read_topic(options, decisions)) == 40)
    start = ends(options, [decisions])[decisions]
    values: list[bytes] = []
    loop = AudienceLoop(options, decisions, start, events, _audience(), values.append)
    loop.start()
    _in_transaction(writer, decisions, range(200))
    _in_transaction(writer, decisions, range(9_000, 9_100), commit=False)
    # The same decisions once more, as a worker that delivers at least once writes them.
    _in_transaction(writer, decisions, range(150))
    _until(lambda: len(values) == 350)
    # Some answers are given while the stream goes on, and none before shoppers can have looked.
    _until(lambda: loop.spoken().events > 20)
    _in_transaction(writer, decisions, range(200, 300))
    _in_transaction(writer, decisions, range(9_100, 9_150), commit=False)
    begun = time.monotonic()
    spoken = loop.finish(30)
    # The last refunds are due eight seconds after their decision; at the end nobody waits for them.
    assert time.monotonic() - begun < 6
    assert spoken.failed is None
    assert spoken.decisions == 450
    assert spoken.by_what == dict(_wanted(range(300)))
    assert spoken.events == spoken.acknowledged == sum(spoken.by_what.values())
    found = _events(options, events)
    assert len({event.event_id for _, event in found}) == len(found) == spoken.events
    assert spoken.end == {partition: end for partition, end in ends(options, [events])[events].items() if end}
    loop.stop()
    _in_transaction(writer, decisions, range(300, 310))
    assert loop.spoken() == spoken


def test_answers_come_when_they_are_due(local_broker: str, fresh_topics: dict[str, str]) -> None:
    options = KafkaOptions(bootstrap=local_broker)
    decisions, events = fresh_topics["decisions"], fresh_topics["events"]
    wanted = _wanted(range(60))
    loop = AudienceLoop(options, decisions, ends(options, [decisions])[decisions], events, _audience())
    loop.start()
    plain = Producer(producer_config(options))
    _put(plain, decisions, range(60))
    assert plain.flush(30) == 0
    written_ms = time.time_ns() // 1_000_000
    _until(lambda: loop.spoken().acknowledged == sum(wanted.values()))
    assert loop.finish(30).by_what == dict(wanted)
    by_id = {event.event_id: at_ms for at_ms, event in _events(options, events)}
    assert len(by_id) == sum(wanted.values())
    late = 0
    audience = _audience()
    for number in range(60):
        for reaction in audience.react(heard(number), written_ms):
            moment = by_id[str(reaction.fields["event_id"])]
            assert moment > reaction.due_ms - 2_000
            late += moment > reaction.due_ms + 2_000
    assert late <= len(by_id) / 20


def test_an_audience_that_cannot_finish_says_so(local_broker: str, fresh_topics: dict[str, str]) -> None:
    options = KafkaOptions(bootstrap=local_broker)
    decisions, events = fresh_topics["decisions"], fresh_topics["events"]
    hold = threading.Event()

    def listen(_: bytes) -> None:
        hold.wait(20)

    loop = AudienceLoop(options, decisions, ends(options, [decisions])[decisions], events, _audience(), listen)
    loop.start()
    plain = Producer(producer_config(options))
    _put(plain, decisions, range(5))
    assert plain.flush(30) == 0
    threading.Timer(2.0, hold.set).start()
    spoken = loop.finish(0.5)
    assert spoken.failed == "the audience did not finish in time"


@pytest.fixture
def embedded_options(tmp_path: Path) -> Iterator[KafkaOptions]:
    names = [BY_LOGICAL[logical].name for logical in ("events", "decisions")]
    info = embedded.start_embedded(dict.fromkeys(names, 4), tmp_path)
    yield KafkaOptions(bootstrap=info.bootstrap, delivery="at_least_once", client={"fetch.wait.max.ms": "20"})
    embedded.stop(info)


def test_the_embedded_broker_will_do(embedded_options: KafkaOptions) -> None:
    decisions, events = BY_LOGICAL["decisions"].name, BY_LOGICAL["events"].name
    loop = AudienceLoop(
        embedded_options, decisions, ends(embedded_options, [decisions])[decisions], events, _audience()
    )
    loop.start()
    plain = Producer(producer_config(embedded_options))
    _put(plain, decisions, range(200))
    assert plain.flush(30) == 0
    spoken = loop.finish(30)
    assert spoken.failed is None
    assert spoken.by_what == dict(_wanted(range(200)))
    assert len(_events(embedded_options, events)) == spoken.acknowledged == spoken.events


def test_the_view_reads_the_newest_cells(local_broker: str, fresh_topics: dict[str, str]) -> None:
    options, topic = KafkaOptions(bootstrap=local_broker), fresh_topics["metrics"]
    follower = CellsFollower(options, topic, ends(options, [topic])[topic])
    follower.start()
    writer = Producer(producer_config(options))
    for revision in (1, 2, 3):
        for variant in ("warm", "bold"):
            cell = CellMetrics(
                family="cohort",
                bucket="life",
                experiment="default",
                category="shoes",
                segment="new",
                variant=variant,
                counters={"impressions": revision},
                sources={},
                revision=revision,
            )
            writer.produce(topic, value=msgspec.json.encode(cell), key=f"cohort|life|{variant}".encode())
    writer.produce(topic, value=None, key=b"cohort|life|bold")
    assert writer.flush(30) == 0
    _until(lambda: [(cell.variant, cell.revision) for cell in follower.cells()] == [("warm", 3)])
    follower.stop()
