"""A topic's records, from the start to where it ended when the question was asked, and as lines of JSON."""

from collections.abc import Iterator, Mapping

import msgspec
import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from msgspec import Struct

from schemas.errors import Code, ConfigError, LackingError
from streams.kafka.client_check import refused
from streams.kafka.cluster import METADATA_TIMEOUT_S, unreachable
from streams.kafka.config import Isolation, KafkaOptions, plain_consumer_config
from streams.kafka.watermarks import watermarks

TO_THE_END = {
    # An end is only told after a fetch that found nothing, for which the broker waits half a second by default.
    "fetch.wait.max.ms": 20,
    "log_level": 0,
}
POLL_RECORDS = 10_000
# `consume` waits for the whole of it unless it is full: what a reader of a small topic waits at its end.
POLL_S = 0.05
# Without a record or an end for so long, the broker is gone.
SILENCE_S = 30.0
# What waiting does not mend. Anything else (a broker restarts, a leader moves) librdkafka tries again by itself.
FINAL = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - a public code, named so for being the client's own
        KafkaError._UNKNOWN_PARTITION,
    }
)

Headers = tuple[tuple[str, bytes | None], ...]


class DumpRecord(Struct, frozen=True, gc=False):
    """One record, byte for byte. `timestamp_ms` is Kafka's (-1 where it has none)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def read_topic(
    options: KafkaOptions,
    topic: str,
    isolation: Isolation = "read_committed",
    from_offsets: Mapping[int, int] | None = None,
) -> Iterator[DumpRecord]:
    """Every record between the start (or `from_offsets`, by partition) and the end as it is now.

    The end is the high watermark, for read_committed the last stable offset. A partition's records come in order,
    partitions come interleaved. Raises LackingError (topic_missing, broker_unreachable).
    """
    try:
        consumer = Consumer({**plain_consumer_config(options, isolation=isolation), **TO_THE_END})
    except (KafkaException, TypeError, ValueError) as error:
        raise refused(options.client, error) from error
    try:
        yield from _read(consumer, options.bootstrap, topic, from_offsets or {})
    finally:
        consumer.close()


def _read(consumer: Consumer, bootstrap: str, topic: str, start: Mapping[int, int]) -> Iterator[DumpRecord]:
    try:
        known = consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics.get(topic)
        if known is None:
            raise LackingError(Code.TOPIC_MISSING, f"topic {topic} does not exist", hint="patter topics apply")
        ends: dict[int, int] = {}
        places = []
        for partition in sorted(known.partitions):
            low, high = watermarks(consumer, topic, partition, SILENCE_S)
            first = max(low, start.get(partition, low))
            if first < high:
                ends[partition] = high
                places.append(TopicPartition(topic, partition, first))
    except KafkaException as failure:
        raise unreachable(bootstrap, failure.args[0].str()) from failure
    consumer.assign(places)
    silent = 0.0
    while ends:
        messages = consumer.consume(POLL_RECORDS, POLL_S)
        silent += POLL_S
        if silent > SILENCE_S:
            raise LackingError(Code.BROKER_UNREACHABLE, "the broker fell silent", where=f"{topic}/{min(ends)}")
        for message in messages:
            partition, offset, error = message.partition() or 0, message.offset() or 0, message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                if error.fatal() or error.code() in FINAL:
                    raise LackingError(Code.BROKER_FAILED, error.str(), where=f"{topic}/{partition}")
                continue
            silent = 0.0
            # The last records may be transaction markers, which are never handed out: the end is told by partition
            # EOF, or by a record beyond it where the topic goes on growing.
            if partition in ends and error is None and offset < ends[partition]:
                yield DumpRecord(
                    topic,
                    partition,
                    offset,
                    message.timestamp()[1],
                    _bytes(message.key()),
                    _bytes(message.value()),
                    tuple((name, _bytes(value)) for name, value in message.headers() or ()),
                )
            if offset >= ends.get(partition, offset + 1) - (error is None):
                ends.pop(partition, None)


def dump_line(record: DumpRecord) -> bytes:
    """One line of JSON, without its newline, from which `parse_line` makes the same record.

    `value` is a string where the bytes are UTF-8 (never parsed: bytes are kept exactly), else `value_base64` stands in
    its place; the key likewise. A header's value is a string, null or {"base64": ...}; a repeated name has a list.
    """
    headers: dict[str, object] = {}
    for name, value in record.headers:
        told = _header(value)
        if name not in headers:
            headers[name] = told
        else:
            before = headers[name]
            headers[name] = [*before, told] if isinstance(before, list) else [before, told]
    line = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        **_field("key", record.key),
        **_field("value", record.value),
        "headers": headers,
    }
    return orjson.dumps(line)


class _Line(Struct):
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str | None = None
    key_base64: bytes | None = None
    value: str | None = None
    value_base64: bytes | None = None
    headers: dict[str, object] = {}


class _Base64(Struct, forbid_unknown_fields=True):
    base64: bytes


_DECODER = msgspec.json.Decoder(_Line)


def parse_line(line: bytes, where: str = "") -> DumpRecord:
    """The record of a line that `dump_line` wrote. Raises ConfigError (file_invalid); `where` is file:line."""
    try:
        told = _DECODER.decode(line)
        headers: list[tuple[str, bytes | None]] = []
        for name, value in told.headers.items():
            headers += [(name, _header_bytes(each)) for each in (value if isinstance(value, list) else [value])]
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ConfigError(
            Code.FILE_INVALID, f"not a line of a topic dump: {error}", where=where, hint="see `patter topics dump`"
        ) from None
    return DumpRecord(
        told.topic,
        told.partition,
        told.offset,
        told.timestamp_ms,
        told.key_base64 if told.key is None else told.key.encode(),
        told.value_base64 if told.value is None else told.value.encode(),
        tuple(headers),
    )


def _field(name: str, value: bytes | None) -> dict[str, object]:
    if value is None:
        return {name: None}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": _base64(value)}


def _header(value: bytes | None) -> object:
    told = _field("v", value)
    return told["v"] if "v" in told else {"base64": told["v_base64"]}


def _header_bytes(value: object) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else msgspec.convert(value, _Base64).base64


def _base64(value: bytes) -> str:
    return str(msgspec.to_builtins(value))


def _bytes(value: object) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else str(value).encode()
