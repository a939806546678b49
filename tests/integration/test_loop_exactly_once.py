"""The batch loop on a real broker: what is answered, committed and rolled back together."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from schemas.errors import Code, PatterError
from streams.kafka.config import KafkaOptions, consumer_config, producer_config
from streams.kafka.delivery import Aborted, Transactions
from streams.kafka.dump import read_topic
from streams.kafka.loop import Loop, LoopOptions
from streams.kafka.records import Batch, Out, Record

pytestmark = pytest.mark.integration


class Silent:
    def add(self, name: str, value: float = 1.0, **labels: str) -> None: ...
    def set(self, name: str, value: float, **labels: str) -> None: ...
    def observe(self, name: str, value: float, **labels: str) -> None: ...


class Echo:
    """Copies records; `spoil` may change a batch's answers, or raise."""

    def __init__(self, topic: str, spoil: Callable[[int, list[Out]], Batch] | None = None) -> None:
        self.topic, self.spoil = topic, spoil
        self.steps = self.aborts = 0
        self.done: list[tuple[int, int]] = []
        self.positions: dict[int, int] = {}

    def assigned(self, positions: Mapping[int, int]) -> None:
        self.positions = dict(positions)

    def revoked(self, partitions: Sequence[int]) -> None: ...

    def ready(self) -> bool:
        return True

    def idle(self) -> None: ...

    def wants(self) -> bool:
        return False

    def step(self, records: Sequence[Record]) -> Batch:
        self.steps += 1
        outs = [Out(self.topic, record.key, record.value) for record in records]
        return self.spoil(self.steps, outs) if self.spoil else Batch(outs)

    def committed(self, records: Sequence[Record]) -> None:
        self.done += [(record.partition, record.offset) for record in records]

    def aborted(self) -> None:
        self.aborts += 1


def options_of(bootstrap: str, delivery: str = "exactly_once") -> KafkaOptions:
    return KafkaOptions(bootstrap=bootstrap, delivery=delivery)  # type: ignore[arg-type]


def fill(options: KafkaOptions, topic: str, count: int) -> set[bytes]:
    producer = Producer(producer_config(options))
    values = [f"{number}".encode() for number in range(count)]
    for value in values:
        producer.produce(topic, value=value, key=value)
    assert producer.flush(30) == 0
    return set(values)


def run_until(options: KafkaOptions, topic: str, echo: Echo, count: int) -> None:
    stop = threading.Event()
    settings = LoopOptions(
        role="echo", member="echo-0", group=f"g.{topic}", topic=topic, batch_ms=20, batch_records=500
    )
    loop = Loop(options, settings, echo, Silent(), lambda: time.time_ns() // 1_000_000, lambda _: None)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            loop.run(stop)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    while len(echo.done) < count and time.monotonic() < deadline and thread.is_alive():
        time.sleep(0.02)
    stop.set()
    thread.join(30)
    if failure:
        raise failure[0]
    assert len(echo.done) >= count


def committed(options: KafkaOptions, group: str, topic: str) -> dict[int, int]:
    consumer = Consumer({"bootstrap.servers": options.bootstrap, "group.id": group})
    places = consumer.committed([TopicPartition(topic, partition) for partition in range(4)], 15)
    consumer.close()
    return {place.partition: place.offset for place in places if place.offset >= 0}


def values(options: KafkaOptions, topic: str) -> list[bytes]:
    return [record.value or b"" for record in read_topic(options, topic, "read_committed")]


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_every_record_is_answered_once_and_committed(
    local_broker: str, fresh_topics: dict[str, str], delivery: str
) -> None:
    options = options_of(local_broker, delivery)
    sent = fill(options, fresh_topics["events"], 5_000)
    run_until(options, fresh_topics["events"], Echo(fresh_topics["decisions"]), 5_000)
    seen = values(options, fresh_topics["decisions"])
    assert len(seen) == len(sent) == 5_000
    assert set(seen) == sent
    assert sum(committed(options, f"g.{fresh_topics['events']}", fresh_topics["events"]).values()) == 5_000


def test_a_second_worker_goes_on_where_the_first_stopped(local_broker: str, fresh_topics: dict[str, str]) -> None:
    options = options_of(local_broker)
    fill(options, fresh_topics["events"], 500)
    run_until(options, fresh_topics["events"], Echo(fresh_topics["decisions"]), 500)
    second = Echo(fresh_topics["decisions"])
    fill(options, fresh_topics["events"], 300)
    run_until(options, fresh_topics["events"], second, 300)
    assert sum(second.positions.values()) == 500
    assert len(values(options, fresh_topics["decisions"])) == 800


def test_a_batch_that_cannot_be_published_is_rolled_back_and_read_again(
    local_broker: str, fresh_topics: dict[str, str]
) -> None:
    options = options_of(local_broker)
    sent = fill(options, fresh_topics["events"], 2_000)

    def spoil(step: int, outs: list[Out]) -> Batch:
        # A record that no broker takes, behind answers that are already under way.
        return Batch([*outs, Out(fresh_topics["decisions"], b"k", b"x" * 8_000_000)] if step % 2 else outs)

    echo = Echo(fresh_topics["decisions"], spoil)
    run_until(options, fresh_topics["events"], echo, 2_000)
    assert echo.aborts >= 1
    assert echo.steps > echo.aborts
    seen = values(options, fresh_topics["decisions"])
    assert len(seen) == 2_000
    assert set(seen) == sent


def test_a_held_batch_is_given_again(local_broker: str, fresh_topics: dict[str, str]) -> None:
    options = options_of(local_broker)
    fill(options, fresh_topics["events"], 100)
    echo = Echo(fresh_topics["decisions"], lambda step, outs: Batch([], hold=True) if step < 4 else Batch(outs))
    run_until(options, fresh_topics["events"], echo, 100)
    assert len(values(options, fresh_topics["decisions"])) == 100


def consumer_at(options: KafkaOptions, topic: str, group: str) -> Consumer:
    """A member of the group that has been given its partitions."""
    consumer = Consumer(consumer_config(options, group, "member-0"))
    consumer.subscribe([topic])
    deadline = time.monotonic() + 30
    while not consumer.assignment() and time.monotonic() < deadline:
        consumer.poll(0.2)
    return consumer


def test_offsets_count_only_with_the_transaction(
    local_broker: str, fresh_topics: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options, events = options_of(local_broker), fresh_topics["events"]
    fill(options, events, 10)
    consumer = consumer_at(options, events, f"tx.{events}")
    delivery = Transactions(options, f"tx-0.{events}", consumer, events)
    refused = KafkaException(KafkaError(KafkaError.INVALID_TXN_STATE, "planted", txn_requires_abort=True))

    class Refusing:
        def __init__(self, real: Producer) -> None:
            self._real = real

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

        def commit_transaction(self, *_: object) -> None:
            raise refused

    real = delivery._producer
    delivery._producer = Refusing(real)  # type: ignore[assignment]
    with pytest.raises(Aborted):
        delivery.deliver(Batch([Out(fresh_topics["decisions"], b"k", b"lost")]), {0: 3})
    assert committed(options, f"tx.{events}", events) == {}
    assert values(options, fresh_topics["decisions"]) == []
    delivery._producer = real
    delivery.deliver(Batch([Out(fresh_topics["decisions"], b"k", b"kept")]), {0: 3})
    assert committed(options, f"tx.{events}", events) == {0: 3}
    assert values(options, fresh_topics["decisions"]) == [b"kept"]
    consumer.close()


def test_a_worker_whose_name_was_taken_cannot_publish(local_broker: str, fresh_topics: dict[str, str]) -> None:
    options, events = options_of(local_broker), fresh_topics["events"]
    fill(options, events, 10)
    consumer = consumer_at(options, events, f"fence.{events}")
    zombie = Transactions(options, f"fence-0.{events}", consumer, events)
    Transactions(options, f"fence-0.{events}", consumer, events)
    with pytest.raises(PatterError) as caught:
        zombie.deliver(Batch([Out(fresh_topics["decisions"], b"k", b"from the grave")]), {0: 3})
    assert caught.value.code is Code.FENCED
    assert committed(options, f"fence.{events}", events) == {}
    assert values(options, fresh_topics["decisions"]) == []
    consumer.close()
