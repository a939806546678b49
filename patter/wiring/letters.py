"""Dead letters as a person handles them: read, and sent back to where they came from."""

from collections.abc import Iterator, Sequence

from confluent_kafka import KafkaException, Producer
from msgspec import Struct

from patter.settings import Settings
from patter.wiring.kafka import kafka_options, topics_of
from schemas.errors import Code, LackingError
from streams import dlq
from streams.kafka.config import producer_config
from streams.kafka.dump import read_topic

FLUSH_S = 60.0
REPLAYED = "patter-replayed-from"


class Letter(Struct, frozen=True):
    """One dead letter. `place` is PARTITION/OFFSET on the DLQ, `source` topic/partition/offset of the original."""

    place: str
    code: str
    stage: str
    topic: str
    source: str
    detail: str
    key: bytes | None
    value: bytes | None

    def row(self) -> dict[str, object]:
        """Everything but the bytes."""
        return {
            "place": self.place,
            "code": self.code,
            "stage": self.stage,
            "source": self.source,
            "detail": self.detail,
            "bytes": len(self.value or b""),
        }


def dead_letters(settings: Settings) -> Iterator[Letter]:
    """Every record of the DLQ, oldest first within a partition."""
    topic = topics_of(settings)["dlq"].name
    for record in read_topic(kafka_options(settings), topic, "read_committed"):
        headers = {name: value.decode("utf-8", "replace") for name, value in record.headers if value is not None}
        yield Letter(
            place=f"{record.partition}/{record.offset}",
            code=headers.get(dlq.CODE, ""),
            stage=headers.get(dlq.STAGE, ""),
            topic=headers.get(dlq.TOPIC, ""),
            source="/".join(headers.get(name, "") for name in (dlq.TOPIC, dlq.PARTITION, dlq.OFFSET)),
            detail=headers.get(dlq.DETAIL, ""),
            key=record.key,
            value=record.value,
        )


def replay_letters(settings: Settings, letters: Sequence[Letter]) -> int:
    """Send letters to their topics again; answers how many. Raises LackingError where the broker does not take them."""
    producer = Producer(producer_config(kafka_options(settings, "patter-dlq")))
    failed: list[str] = []
    for letter in letters:
        producer.produce(
            letter.topic,
            value=letter.value,
            key=letter.key,
            headers=[(REPLAYED, letter.place.encode())],
            on_delivery=lambda error, _: failed.append(str(error)) if error is not None else None,
        )
        producer.poll(0)
    try:
        left = producer.flush(FLUSH_S)
    except KafkaException as error:
        raise LackingError(Code.BROKER_FAILED, "dead letters could not be replayed", where=str(error)) from error
    if left or failed:
        raise LackingError(
            Code.BROKER_FAILED, f"{left + len(failed)} dead letters were not taken", where=failed[0] if failed else ""
        )
    return len(letters)
