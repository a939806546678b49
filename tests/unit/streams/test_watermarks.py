"""Where a partition ends, asked of a broker that has just come back."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.kafka import watermarks as module
from streams.kafka.watermarks import watermarks, watermarks_with


class Broker:
    """Answers in turn; the last answer stands. A number is an end, None a refusal."""

    def __init__(self, *ends: int | None) -> None:
        self.ends = list(ends)

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if end is None:
            raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
        return 0, end


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes by sleeping, and nobody sleeps."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


def test_a_refusal_is_asked_again() -> None:
    assert watermarks(Broker(None, None, 7), "t", 0, 1.0) == (0, 7)  # type: ignore[arg-type]
    with pytest.raises(KafkaException):
        watermarks(Broker(None), "t", 0, 1.0)  # type: ignore[arg-type]


def test_an_end_before_what_was_committed_is_not_taken_for_the_truth() -> None:
    assert watermarks_with(Broker(3, None, 3, 9), "t", 0, 8, 1.0) == (0, 9)  # type: ignore[arg-type]


def test_a_log_that_was_made_anew_is_shorter_for_good() -> None:
    assert watermarks_with(Broker(3), "t", 0, 8, 1.0) == (0, 3)  # type: ignore[arg-type]
