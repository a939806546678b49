"""Exactly once is an order of calls: records and offsets between begin and commit, and no other commit anywhere."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from schemas.errors import Code, PatterError
from streams.kafka import delivery as module
from streams.kafka.config import KafkaOptions
from streams.kafka.delivery import Aborted, FlushThenCommit, Transactions
from streams.kafka.records import Batch, Out


class Recorder:
    """Stands for producer and consumer; notes the names of calls, and raises where it is told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.raises: dict[str, list[Exception]] = {}

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append(name)
            for error in self.raises.get(name, [])[:1]:
                self.raises[name].pop(0)
                raise error
            report = named.get("on_delivery")
            if report is not None:
                report(None, None)
            return 0

        return call


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(module, "Producer", lambda _config: made)
    return made


OUTS = [Out("t", b"k", b"1"), Out("t", b"k", b"2", (("h", b"v"),))]


def failure(code: int, **how: bool) -> KafkaException:
    return KafkaException(KafkaError(code, "planted", **how))


def test_offsets_go_with_the_transaction_and_nowhere_else(producer: Recorder) -> None:
    consumer = Recorder()
    Transactions(KafkaOptions(bootstrap="b"), "m", consumer, "in").deliver(Batch(OUTS), {0: 5})  # type: ignore[arg-type]
    assert producer.calls == [
        "init_transactions",
        "begin_transaction",
        "produce",
        "produce",
        "send_offsets_to_transaction",
        "commit_transaction",
    ]
    assert consumer.calls == ["consumer_group_metadata"]


def test_records_are_sent_before_an_abort(producer: Recorder) -> None:
    made = Transactions(KafkaOptions(bootstrap="b"), "m", Recorder(), "in")  # type: ignore[arg-type]
    producer.raises["commit_transaction"] = [failure(KafkaError.INVALID_RECORD, txn_requires_abort=True)]
    with pytest.raises(Aborted):
        made.deliver(Batch(OUTS), {0: 5})
    assert producer.calls[-3:] == ["commit_transaction", "flush", "abort_transaction"]


@pytest.mark.parametrize("error", [PatterError(Code.CODE_COLLISION, "planted"), KeyError("planted")])
def test_answers_that_cannot_be_made_leave_no_transaction_open(producer: Recorder, error: Exception) -> None:
    def fail(*_: Any) -> None:
        raise error

    made = Transactions(KafkaOptions(bootstrap="b"), "m", Recorder(), "in")  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        made.deliver(Batch([], fail), {0: 5})
    assert producer.calls == ["init_transactions", "begin_transaction", "flush", "abort_transaction"]


def test_a_retriable_commit_is_called_again(producer: Recorder) -> None:
    made = Transactions(KafkaOptions(bootstrap="b"), "m", Recorder(), "in")  # type: ignore[arg-type]
    producer.raises["commit_transaction"] = [failure(KafkaError._TIMED_OUT, retriable=True)]
    made.deliver(Batch(OUTS), {0: 5})
    assert producer.calls[-2:] == ["commit_transaction", "commit_transaction"]


def test_a_fatal_error_ends_the_worker_and_aborts_nothing(producer: Recorder) -> None:
    made = Transactions(KafkaOptions(bootstrap="b"), "m", Recorder(), "in")  # type: ignore[arg-type]
    producer.raises["commit_transaction"] = [failure(KafkaError._FENCED, fatal=True)]
    with pytest.raises(PatterError) as caught:
        made.deliver(Batch(OUTS), {0: 5})
    assert caught.value.code is Code.FENCED
    assert "abort_transaction" not in producer.calls


def test_without_transactions_offsets_follow_the_acknowledgements(producer: Recorder) -> None:
    consumer = Recorder()
    made = FlushThenCommit(KafkaOptions(bootstrap="b", delivery="at_least_once"), consumer, "in")  # type: ignore[arg-type]
    made.deliver(Batch(OUTS), {0: 5})
    assert producer.calls == ["produce", "produce", "flush"]
    assert consumer.calls == ["commit"]


def test_without_acknowledgement_nothing_is_committed(producer: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Recorder()
    made = FlushThenCommit(KafkaOptions(bootstrap="b", delivery="at_least_once"), consumer, "in")  # type: ignore[arg-type]
    monkeypatch.setattr(producer, "flush", lambda _timeout: 1, raising=False)
    with pytest.raises(Aborted):
        made.deliver(Batch(OUTS), {0: 5})
    assert consumer.calls == []
