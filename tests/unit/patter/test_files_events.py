"""The file of events: bare lines and kept records, checked before anything is sent; raw lines byte for byte."""

import base64
import gzip
import json
from pathlib import Path

import pytest

from patter.files import EventLine, FieldMap, Reading, check_events, newest_time_ms, read_events
from schemas.decode import decode_event
from schemas.errors import Code, ConfigError
from schemas.events import OrderPlaced, ProductViewed

NOW_MS = 1_790_000_000_000  # 2026-09-21T13:33:20Z
TIME = "2026-09-21T13:33:00Z"
GOOD = f'{{"kind": "product_viewed","event_id":"e1", "user_id":"ü1","time":"{TIME}","product_id":"p"}}'.encode()


def _reading(*maps: str, raw: bool = False, shift_ms: int = 0) -> Reading:
    return Reading(now_ms=NOW_MS, mapping=FieldMap.parse(maps), raw=raw, shift_ms=shift_ms)


def _path(folder: Path, data: bytes, name: str = "e.jsonl") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def _kept(value: bytes | None, key: bytes | None = b"k", topic: str = "patter.events.v1") -> bytes:
    line: dict[str, object] = {"topic": topic, "partition": 0, "offset": 3, "timestamp_ms": 5, "headers": {}}
    for name, data in (("key", key), ("value", value)):
        try:
            line[name] = None if data is None else data.decode()
        except UnicodeDecodeError:
            line[name + "_base64"] = base64.b64encode(data or b"").decode()
    return json.dumps(line).encode()


def test_bare_lines_keep_their_bytes_and_are_keyed_by_shopper(tmp_path: Path) -> None:
    path = _path(tmp_path, b"\xef\xbb\xbf" + GOOD + b"\n\n" + GOOD.replace(b"e1", b"e2") + b"\n", "e.jsonl.gz")
    assert list(read_events(path, _reading())) == [
        EventLine(1, "ü1".encode(), GOOD, False),
        EventLine(3, "ü1".encode(), GOOD.replace(b"e1", b"e2"), False),
    ]


def test_kept_records_of_the_events_topic_are_sent_as_they_were_even_malformed_ones(tmp_path: Path) -> None:
    lines = [_kept(GOOD), _kept(b"\xff\xfe"), _kept(b""), _kept(None, None), _kept(b"{}", topic="patter.dlq.v1"), GOOD]
    path = _path(tmp_path, b"\n".join(lines))
    assert list(read_events(path, _reading())) == [
        EventLine(1, b"k", GOOD, True),
        EventLine(2, b"k", b"\xff\xfe", True),
        EventLine(3, b"k", b"", True),
        EventLine(4, None, None, True),
        EventLine(6, "ü1".encode(), GOOD, False),
    ]
    found = check_events(path, _reading())
    assert (found.records, found.from_keep, found.undecodable, found.duplicates) == (5, 4, 3, 1)
    assert (found.bytes, found.largest_bytes) == (2 * len(GOOD) + 2, len(GOOD))


@pytest.mark.parametrize(
    ("line", "field", "code", "hint"),
    [
        (b'{"kind": "product_viewed"', "", "undecodable", "--raw"),
        (b"[1]", "", "not_an_object", "--raw"),
        (b"\xff", "", "undecodable", "--raw"),
        (GOOD.replace(b"product_viewed", b"viewed"), "kind", "unknown_kind", "product_viewed, list_viewed"),
        (GOOD.replace(b'"user_id"', b'"uid"'), "user_id", "missing_field", "--map user_id=COLUMN"),
        (GOOD.replace(b'"e1"', b'""'), "event_id", "empty_id", "--raw"),
        (GOOD.replace(b'"p"', b"7"), "product_id", "wrong_type", "--raw"),
        (GOOD.replace(b"2026-09", b"2019-09"), "time", "time_absurd", "--rebase-times"),
        (GOOD.replace(b'"' + TIME.encode() + b'"', b"1790000000"), "time", "wrong_type", "--map events.time="),
    ],
)
def test_a_bare_line_that_does_not_decode_stops_everything(
    tmp_path: Path, line: bytes, field: str, code: str, hint: str
) -> None:
    path = _path(tmp_path, GOOD + b"\n" + line + b"\n")
    with pytest.raises(ConfigError) as caught:
        check_events(path, _reading())
    error = caught.value
    assert error.code is Code.FILE_INVALID
    assert error.where == f"{path}:2" + (f":{field}" if field else "")
    assert error.what.startswith(f"{code}: ")
    assert hint in error.hint


def test_raw_sends_every_line_byte_for_byte(tmp_path: Path) -> None:
    bad = [b"\xff\x00", b"", b"  ", b'{"user_id": "u9"', b'{"user_id": "u9"}', b'{"user_id": 9}\r', b"[]"]
    path = _path(tmp_path, b"\n".join([*bad, GOOD, _kept(b"{")]))
    lines = list(read_events(path, _reading(raw=True)))
    assert [line.value for line in lines] == [*bad, GOOD, b"{"]
    assert [line.key for line in lines] == [None, None, None, None, b"u9", None, None, "ü1".encode(), b"k"]
    found = check_events(path, _reading(raw=True))
    assert (found.records, found.undecodable, found.from_keep) == (9, 8, 1)


def test_a_mapping_renames_and_types(tmp_path: Path) -> None:
    line = (
        b'{"type": "product_viewed", "id": 17, "who": {"uid": 5}, "ts": 1789999990, "item": {"sku": "p"}, "kind": "x"}'
    )
    path = _path(tmp_path, line)
    maps = ["kind=type", "event_id=id", "events.user_id=who.uid", "time=ts", "events.product_id=item.sku"]
    (found,) = read_events(path, _reading(*maps))
    event = decode_event(found.value, NOW_MS)
    assert isinstance(event, ProductViewed)
    assert (event.event_id, event.user_id, event.product_id, found.key) == ("17", "5", "p", b"5")


def test_csv_columns_become_typed_fields(tmp_path: Path) -> None:
    path = _path(
        tmp_path,
        b"kind,event_id,user_id,time,product_id,position,price,order_id,currency,lines,shoe_size\n"
        b"product_viewed,1,u1,1789999990,p,3,-,,,,43\n".replace(b",-,", b",,")
        + b'order_placed,2,u1,2026-09-21T13:33:00Z,,,,o1,USD,"[{""line"":1,""product_id"":""p"",""quantity"":1,'
        b'""revenue_minor"":5}]",\n',
        "e.csv",
    )
    viewed, ordered = (decode_event(line.value, NOW_MS) for line in read_events(path, _reading()))
    assert isinstance(viewed, ProductViewed)
    assert (viewed.position, viewed.price) == (3, None)
    assert isinstance(ordered, OrderPlaced)
    assert ordered.lines[0].revenue_minor == 5


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        (b"kind,event_id,time\nsearched,1,x\n", ":1:user_id", "no column 'user_id'"),
        (b"kind,event_id,user_id,time\nsearched,1,u,yesterday\n", ":2:time", "time_invalid"),
        (b"kind,event_id,user_id,time,product_id,position\nproduct_viewed,1,u,1789999990,p,third\n", ":2:position", ""),
        (b"kind,event_id,user_id,time\nsearched,,u,1789999990\n", ":2:event_id", "missing"),
        (b"kind,event_id,user_id,time\n", "", "no events"),
    ],
)
def test_bad_csv(tmp_path: Path, data: bytes, where: str, what: str) -> None:
    path = _path(tmp_path, data, "e.csv")
    with pytest.raises(ConfigError) as caught:
        check_events(path, _reading())
    assert caught.value.where == f"{path}{where}"
    assert what in caught.value.what


def test_nothing_to_send_is_an_error(tmp_path: Path) -> None:
    for data in (b"", b"\n\n", _kept(GOOD, topic="patter.copy.v1")):
        with pytest.raises(ConfigError, match=r"empty|no events"):
            check_events(_path(tmp_path, data), _reading())


def test_a_record_that_no_broker_takes_is_refused_even_raw(tmp_path: Path) -> None:
    path = _path(tmp_path, b"x" * (4 * 2**20))
    with pytest.raises(ConfigError, match="the topic takes"):
        check_events(path, _reading(raw=True))


def test_old_files_are_moved_to_now(tmp_path: Path) -> None:
    old = GOOD.replace(b"2026-09-21T13:33:00Z", b"2019-02-03T04:05:06.5+01:00")
    path = _path(tmp_path, old + b"\n" + _kept(old))
    newest = newest_time_ms(path, _reading())
    assert newest == 1_549_163_106_500
    bare, kept = read_events(path, _reading(shift_ms=NOW_MS - newest))
    event = decode_event(bare.value, NOW_MS)
    assert isinstance(event, ProductViewed)
    assert event.time.timestamp() * 1000 == NOW_MS
    assert kept.value == old


def test_repeated_ids_are_counted(tmp_path: Path) -> None:
    path = _path(tmp_path, b"\n".join([GOOD, GOOD, GOOD.replace(b"e1", b"e2")]))
    assert check_events(path, _reading()).duplicates == 1
