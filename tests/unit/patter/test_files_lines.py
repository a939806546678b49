"""Opening files: packed or not, in UTF-8 or not, CSV or JSON lines, with the line's number on every complaint."""

import gzip
from pathlib import Path

import pytest

from patter.files.lines import byte_lines
from patter.files.rows import open_table
from schemas.errors import Code, ConfigError


def _file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def _rows(path: Path) -> list[tuple[int, dict[str, object]]]:
    return [(row.number, row.values) for row in open_table(path).rows]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_in_every_dress(tmp_path: Path, name: str, delimiter: str) -> None:
    text = delimiter.join(["id", "name"]) + "\r\n" + delimiter.join(["1", '"a b"']) + "\r\n"
    assert _rows(_file(tmp_path, name, b"\xef\xbb\xbf" + text.encode())) == [(2, {"id": "1", "name": "a b"})]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.txt"])
def test_json_lines_are_known_by_their_first_character(tmp_path: Path, name: str) -> None:
    path = _file(tmp_path, name, b'\xef\xbb\xbf{"id": 1}\n\n{"id": "\xc3\xa9"}')
    assert _rows(path) == [(1, {"id": 1}), (3, {"id": "é"})]


def test_a_row_is_numbered_by_the_line_it_begins_on(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", b'id,text\n\n1,"two\nlines"\n2,b\n')
    assert _rows(path) == [(3, {"id": "1", "text": "two\nlines"}), (5, {"id": "2", "text": "b"})]


@pytest.mark.parametrize(
    ("name", "data", "where", "what"),
    [
        ("a.csv", b"", "a.csv", "empty"),
        ("a.csv", b"\xef\xbb\xbf\n \n", "a.csv", "empty"),
        ("a.csv", b"id,name\n1\n", "a.csv:2", "1 cells where the header has 2"),
        ("a.csv", b"id,name\n1,2,3\n", "a.csv:2", "3 cells"),
        ("a.csv", b"id,id\n1,2\n", "a.csv:1", "twice"),
        ("a.csv", b'id,name\n1,"open\n', "a.csv:2", "no CSV"),
        ("a.csv", b"id,name\n1,caf\xe9\n", "a.csv:2", "byte 6 of the line (0xe9) is not UTF-8"),
        ("a.csv", "id,name\n1,a\n".encode("utf-16"), "a.csv:1", "UTF-16"),
        ("a.jsonl", b'{"id": 1}\n{"id": \n', "a.jsonl:2", "not JSON"),
        ("a.jsonl", b'{"id": 1}\n[1]\n', "a.jsonl:2", "JSON array"),
        ("a.json", b'[\n{"id": 1}\n]', "a.json:1", "not JSON"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, name: str, data: bytes, where: str, what: str) -> None:
    path = _file(tmp_path, name, data)
    with pytest.raises(ConfigError) as caught:
        _rows(path)
    error = caught.value
    assert error.code is Code.FILE_INVALID
    assert error.where == str(tmp_path / where)
    assert what in error.what
    assert error.hint


def test_damaged_gzip_is_one_clear_error(tmp_path: Path) -> None:
    whole = gzip.compress(b"id,name\n" + b"1,x\n" * 10_000)
    for data in (b"id,name\n1,x\n", whole[: len(whole) // 2], whole[:40] + b"\xff\xff\xff" + whole[43:]):
        path = tmp_path / "a.csv.gz"
        path.write_bytes(data)
        with pytest.raises(ConfigError, match="gzip data is damaged"):
            _rows(path)


def test_a_gzipped_file_without_gz_in_its_name_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(b"id\n1\n"))
    with pytest.raises(ConfigError, match="looks gzipped"):
        _rows(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(ConfigError) as caught:
            _rows(path)
        assert caught.value.code is Code.FILE_MISSING
        assert str(path) in caught.value.where


def test_bytes_of_lines_are_left_alone(tmp_path: Path) -> None:
    path = _file(tmp_path, "a", b"\xff\xfe\r\n\n a \x00\nlast")
    assert list(byte_lines(path)) == [(1, b"\xff\xfe\r"), (2, b""), (3, b" a \x00"), (4, b"last")]


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter.files.lines.MAX_LINE_BYTES", 10)
    assert list(byte_lines(_file(tmp_path, "a", b"0123456789\n"))) == [(1, b"0123456789")]
    with pytest.raises(ConfigError, match="longer than 10 bytes"):
        list(byte_lines(_file(tmp_path, "b", b"01234567890123456789")))
