"""The hands of the people who look at copy: what waits for them, their rulings, and lambda by category."""

import getpass
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

import msgspec
from confluent_kafka import KafkaException, Producer
from msgspec import Struct

from patter.settings import Settings
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.process import now_ms
from schemas.copy import CopyKey, CopyVerdict, PoolEntry
from schemas.curation import EVERYWHERE, CopyRuling, Creativity
from schemas.errors import Code, ConfigError, LackingError
from streams.kafka.config import producer_config
from streams.kafka.dump import read_topic
from streams.kafka.sending import send

SEND_TIMEOUT_S = 15.0
Record = TypeVar("Record")


class Waiting(Struct, frozen=True):
    """A text that waits for a person, and since when."""

    verdict: CopyVerdict
    since_ms: int


def waiting(settings: Settings) -> list[Waiting]:
    """Every text that waits, the oldest first: those of the review topic that nobody has ruled on.

    The same text is asked about once, under the key where it came up first.
    """
    ruled = rulings(settings)
    found: dict[str, Waiting] = {}
    for verdict, since_ms in _verdicts(settings):
        if verdict.verdict == "review" and verdict.copy_id not in ruled:
            found.setdefault(verdict.copy_id, Waiting(verdict, since_ms))
    return sorted(found.values(), key=lambda each: each.since_ms)


def rulings(settings: Settings) -> dict[str, CopyRuling]:
    """The newest ruling on each text, by copy_id."""
    return {ruling.copy_id: ruling for ruling in _records(settings, "copy_rulings", CopyRuling)}


def rule(
    settings: Settings, copy_ids: list[str], ruling: Literal["approved", "rejected"], why: str
) -> list[CopyRuling]:
    """Rule on texts that a model has written, those of the pool's entries included.

    Raises ConfigError (usage: no such text), LackingError (the broker does not take it).
    """
    known = _known(settings)
    for copy_id in copy_ids:
        if copy_id not in known:
            raise ConfigError(
                Code.USAGE, "no such text", where=copy_id, hint="patter copy review list, patter copy show PRODUCT"
            )
    said = [
        msgspec.structs.replace(known[copy_id], ruling=ruling, time_ms=now_ms(), by=getpass.getuser(), why=why)
        for copy_id in copy_ids
    ]
    _publish(settings, "copy_rulings", [(each.copy_id, each) for each in said])
    return said


def weights(settings: Settings) -> list[Creativity]:
    """Every change of lambda there was, the oldest first."""
    return list(_records(settings, "creativity", Creativity))


def weigh(settings: Settings, category: str, creativity: float | None, why: str) -> Creativity:
    """Publish a category's lambda; None lets the category go with the others again. Raises LackingError."""
    said = Creativity(
        category=category or EVERYWHERE, creativity=creativity, time_ms=now_ms(), by=getpass.getuser(), why=why
    )
    _publish(settings, "creativity", [(said.category, said)])
    return said


def entries_of(settings: Settings, product_id: str) -> list[dict[str, Any]]:
    """What the pool holds for a product, by key, as it is on the wire."""
    newest: dict[CopyKey, PoolEntry | None] = {}
    for key, value in _raw(settings, "copy"):
        place = CopyKey.parse(key)
        if place.product_id == product_id:
            newest[place] = msgspec.json.decode(value, type=PoolEntry) if value else None
    return [msgspec.to_builtins(newest[place]) for place in sorted(newest) if newest[place] is not None]


def _known(settings: Settings) -> dict[str, CopyRuling]:
    """Every text that can be ruled on, as a ruling without a word yet."""
    known = {verdict.copy_id: _unruled(verdict, verdict) for verdict, _ in _verdicts(settings)}
    for _, value in _raw(settings, "copy"):
        entry = msgspec.json.decode(value, type=PoolEntry) if value else None
        for candidate in entry.candidates if entry else ():
            known[candidate.copy_id] = _unruled(entry, candidate)
    return known


def _unruled(place: Any, text: Any) -> CopyRuling:
    return CopyRuling(
        copy_id=text.copy_id,
        ruling="rejected",
        product_id=place.product_id,
        segment=place.segment,
        variant=place.variant,
        channel=place.channel,
        locale=place.locale,
        slot_text=text.slot_text,
        bundle_sha256=text.bundle_sha256,
        prompt_id=text.prompt_id,
        time_ms=0,
        by="",
        why="",
    )


def _verdicts(settings: Settings) -> Iterator[tuple[CopyVerdict, int]]:
    decoder = msgspec.json.Decoder(CopyVerdict)
    topic = topics_of(settings)["copy_review"].name
    for record in read_topic(kafka_options(settings), topic):
        if record.value:
            yield decoder.decode(record.value), record.timestamp_ms


def _records(settings: Settings, logical: str, kind: type[Record]) -> Iterator[Record]:
    decoder = msgspec.json.Decoder(kind)
    return (decoder.decode(value) for _, value in _raw(settings, logical) if value)


def _raw(settings: Settings, logical: str) -> Iterator[tuple[str, bytes | None]]:
    topic = topics_of(settings)[logical].name
    for record in read_topic(kafka_options(settings), topic):
        yield (record.key or b"").decode(), record.value


def _publish(settings: Settings, logical: str, said: list[tuple[str, Struct]]) -> None:
    topic = topics_of(settings)[logical].name
    producer = Producer(producer_config(kafka_options(settings, "patter-copy")))
    failed: list[str] = []
    for key, record in said:
        send(
            producer,
            topic,
            msgspec.json.encode(record),
            key.encode(),
            on_delivery=lambda error, _message: failed.append(str(error)) if error is not None else None,
        )
    try:
        left = producer.flush(SEND_TIMEOUT_S)
    except KafkaException as error:
        raise LackingError(Code.BROKER_FAILED, "the record was not taken", where=str(error.args[0])) from error
    if left or failed:
        raise LackingError(Code.BROKER_FAILED, "the record was not taken", where=failed[0] if failed else topic)
