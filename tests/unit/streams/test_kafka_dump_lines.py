"""Lines of a dump keep every byte."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Code, ConfigError
from streams.kafka.dump import DumpRecord, dump_line, parse_line

BYTES = st.none() | st.binary(max_size=60) | st.text(max_size=30).map(lambda text: text.encode())


@st.composite
def records(draw: st.DrawFn) -> DumpRecord:
    # A repeated header name keeps its values' order; between different names JSON objects keep it, too, by first sight.
    names = draw(st.lists(st.text(max_size=5), max_size=3, unique=True))
    headers = [(name, value) for name in names for value in draw(st.lists(BYTES, min_size=1, max_size=3))]
    return DumpRecord(
        draw(st.text(min_size=1, max_size=10)),
        draw(st.integers(0, 2**31 - 1)),
        draw(st.integers(0, 2**63 - 1)),
        draw(st.integers(-1, 2**62)),
        draw(BYTES),
        draw(BYTES),
        tuple(headers),
    )


@given(records())
def test_a_record_comes_back_byte_for_byte(record: DumpRecord) -> None:
    line = dump_line(record)
    assert b"\n" not in line
    assert parse_line(line) == record


@given(st.binary(max_size=40))
def test_value_is_the_bytes_as_text_or_in_base64(value: bytes) -> None:
    told = json.loads(dump_line(DumpRecord("t", 0, 1, 2, b"k", value)))
    assert ("value" in told) != ("value_base64" in told)
    if "value" in told:
        assert told["value"].encode() == value
    else:
        assert base64.b64decode(told["value_base64"]) == value
        with pytest.raises(UnicodeDecodeError):
            value.decode()


def test_a_line_is_what_the_contract_says() -> None:
    record = DumpRecord("patter.dlq.v1", 3, 17, 1_700_000_000_123, b"u-1", b'{"a": 1}', (("patter-code", b"x"),))
    assert json.loads(dump_line(record)) == {
        "topic": "patter.dlq.v1",
        "partition": 3,
        "offset": 17,
        "timestamp_ms": 1_700_000_000_123,
        "key": "u-1",
        "value": '{"a": 1}',
        "headers": {"patter-code": "x"},
    }


def test_nothing_is_null_and_emptiness_is_not_nothing() -> None:
    told = json.loads(dump_line(DumpRecord("t", 0, 0, 0, None, None)))
    assert (told["key"], told["value"]) == (None, None)
    assert parse_line(dump_line(DumpRecord("t", 0, 0, 0, b"", b""))).value == b""


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b"[]",
        b'{"event_id": "e-1"}',
        b'{"topic": "t", "partition": 0, "offset": 1, "timestamp_ms": 2, "value": {"an": "object"}}',
        b'{"topic": "t", "partition": 0, "offset": 1, "timestamp_ms": 2, "value_base64": "%%%"}',
        b'{"topic": "t", "partition": 0, "offset": 1, "timestamp_ms": 2, "headers": {"a": 1}}',
        b'{"topic": "t", "partition": 0, "offset": 1, "timestamp_ms": 2, "value": "\xff"}',
        b'{"topic": "t", "partition": 0, "offset": 1, "timestamp_ms": 2, "value": "\\ud800"}',
    ],
)
def test_what_is_no_dump_line_is_refused_with_its_place(line: bytes) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_line(line, "events.jsonl:7")
    assert (raised.value.code, raised.value.where) == (Code.FILE_INVALID, "events.jsonl:7")
