"""Broadcast states on a real broker: whole, in order, and honest about the moment up to which they are known."""

import time
from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka import Producer

from schemas.catalog import Product
from schemas.copy import Candidate, PoolEntry
from schemas.errors import Code, LackingError
from schemas.policies import Beta, PolicySnapshot
from streams.broadcast.pool import Pool
from streams.broadcast.reader import BroadcastReader
from streams.broadcast.states import States, StateTopics
from streams.kafka.config import KafkaOptions, producer_config, transactional_config
from streams.kafka.window import read_window

pytestmark = pytest.mark.integration


class Silent:
    def add(self, name: str, value: float = 1.0, **labels: str) -> None: ...
    def set(self, name: str, value: float, **labels: str) -> None: ...
    def observe(self, name: str, value: float, **labels: str) -> None: ...


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def states(local_broker: str, fresh_topics: dict[str, str]) -> Iterator[States]:
    topics = StateTopics(fresh_topics["catalog"], fresh_topics["copy"], fresh_topics["policy"], fresh_topics["codes"])
    reader = BroadcastReader(KafkaOptions(bootstrap=local_broker), list(topics.names().values()), now_ms)
    made = States(reader, topics, Pool("push", "en", "b"), Silent(), "test")
    reader.start()
    yield made
    reader.close()


def until(states: States, done: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        states.swap()
        if done():  # type: ignore[operator]
            return
        time.sleep(0.02)
    raise AssertionError("not in time")


def product(price: int) -> bytes:
    made = Product(product_id="p", name="Mug", category="c", price_minor=price, currency="USD")
    return msgspec.json.encode(made)


def entry(text: str) -> bytes:
    candidates = [Candidate(copy_id="i", slot_text=text, bundle_sha256="b")]
    made = PoolEntry(product_id="p", segment="s", variant="v", channel="push", locale="en", candidates=candidates)
    return msgspec.json.encode(made)


def test_empty_topics_are_whole_at_once_and_the_moment_moves_on(states: States) -> None:
    until(states, states.whole)
    first = states.catalogue_ms()
    until(states, lambda: states.catalogue_ms() > first)


def test_what_was_written_before_the_known_moment_is_known(
    states: States, local_broker: str, fresh_topics: dict[str, str]
) -> None:
    producer = Producer(producer_config(KafkaOptions(bootstrap=local_broker)))
    until(states, states.whole)
    for price in range(100, 120):
        producer.produce(fresh_topics["catalog"], key=b"p", value=product(price))
        producer.flush(10)
        written = now_ms()
        until(states, lambda written=written: states.catalogue_ms() > written)
        assert states.catalogue["p"].product.price_minor == price


def test_aborted_copy_is_never_seen_and_markers_do_not_hide_the_end(
    states: States, local_broker: str, fresh_topics: dict[str, str]
) -> None:
    producer = Producer(transactional_config(KafkaOptions(bootstrap=local_broker), f"t.{fresh_topics['copy']}"))
    producer.init_transactions(30)
    for number in range(6):
        producer.begin_transaction()
        producer.produce(fresh_topics["copy"], key=b"p|s|v|push|en", value=entry(f"{{NAME}} {number}"))
        producer.flush(10)
        if number % 2:
            producer.abort_transaction(10)
        else:
            producer.commit_transaction(10)
    ended = now_ms()
    until(states, lambda: states.copy_ms() > ended)
    assert [text.slot_text for text in states.pool.texts["p", "s", "v"]] == ["{NAME} 4"]


def test_an_open_transaction_holds_the_known_moment_back(
    states: States, local_broker: str, fresh_topics: dict[str, str]
) -> None:
    until(states, states.whole)
    producer = Producer(transactional_config(KafkaOptions(bootstrap=local_broker), f"o.{fresh_topics['copy']}"))
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(fresh_topics["copy"], key=b"p|s|v|push|en", value=entry("{NAME}"))
    producer.flush(10)
    states.swap()
    opened = now_ms()
    producer.commit_transaction(10)
    until(states, lambda: states.copy_ms() > opened)
    assert ("p", "s", "v") in states.pool.texts


def test_a_bad_record_is_skipped_and_a_tombstone_removes(
    states: States, local_broker: str, fresh_topics: dict[str, str]
) -> None:
    producer = Producer(producer_config(KafkaOptions(bootstrap=local_broker)))
    for value in (product(100), b"{", b'{"product_id":""}'):
        producer.produce(fresh_topics["catalog"], key=b"p", value=value)
    producer.flush(10)
    until(states, lambda: "p" in states.catalogue)
    producer.produce(fresh_topics["catalog"], key=b"p", value=b"")
    producer.flush(10)
    until(states, lambda: "p" not in states.catalogue)


def test_only_a_newer_policy_replaces_one(states: States, local_broker: str, fresh_topics: dict[str, str]) -> None:
    producer = Producer(producer_config(KafkaOptions(bootstrap=local_broker)))
    for version in (2, 1, 3, 2):
        snapshot = PolicySnapshot(
            version=version, experiment="x", created_ms=0, seed="s", epsilon=0.1, prior={"template": Beta(1, 1)}
        )
        producer.produce(fresh_topics["policy"], key=b"policy", value=msgspec.json.encode(snapshot))
    producer.flush(10)
    until(states, lambda: states.policy is not None and states.policy.version == 3)


def test_a_topic_that_is_not_there_is_an_error(local_broker: str) -> None:
    reader = BroadcastReader(KafkaOptions(bootstrap=local_broker), ["nobody.made.this"], now_ms)
    with pytest.raises(LackingError) as caught:
        reader.start()
    assert caught.value.code is Code.TOPIC_MISSING
    reader.close()


def test_a_stretch_of_the_log_is_read_again_exactly(local_broker: str, fresh_topics: dict[str, str]) -> None:
    options = KafkaOptions(bootstrap=local_broker)
    producer = Producer(transactional_config(options, f"w.{fresh_topics['codes']}"))
    producer.init_transactions(30)
    for number in range(40):
        producer.begin_transaction()
        producer.produce(fresh_topics["codes"], key=b"k", value=str(number).encode())
        producer.flush(10)
        (producer.abort_transaction if number % 4 == 3 else producer.commit_transaction)(10)
    seen: list[tuple[int, bytes | None]] = []
    # Each transaction takes two offsets, the record's and its marker's: the stretch ends on a marker.
    read_window(options, fresh_topics["codes"], 0, 10, 60, lambda offset, value, _: seen.append((offset, value)))
    assert seen == [(2 * n, str(n).encode()) for n in range(5, 30) if n % 4 != 3]
