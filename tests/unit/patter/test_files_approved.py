import gzip

import pytest

from patter.files import FieldMap
from patter.files.approved import read_approved
from schemas.errors import ConfigError

HEAD = "product_id,name,category,price,text,segment,channel,clicks"


def write(folder, *lines, name="copy.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_a_row_with_its_product_s_columns(tmp_path):
    path = write(tmp_path, HEAD, "p1,Harbor Kettle,Kettles,39.00 USD,Harbor  Kettle waits.,loyal,sms,3")
    (copy,) = read_approved(path, None).copies
    assert (copy.product.name, copy.product.price_minor) == ("Harbor Kettle", 3900)
    assert (copy.text, copy.segment, copy.tone, copy.cta, copy.channel) == (
        "Harbor Kettle waits.",
        "loyal",
        "plain",
        None,
        "sms",
    )
    assert (copy.clicks, copy.impressions, copy.line) == (3, None, 2)
    assert copy.row["text"] == "Harbor  Kettle waits."


def test_a_row_that_names_a_product_of_the_catalogue_gzipped_and_mapped(tmp_path):
    catalogue = write(tmp_path, "sku,name,category,price", "p1,Harbor Kettle,Kettles,39.00 USD", name="cat.csv")
    path = tmp_path / "copy.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"sku": "p1", "words": "Harbor Kettle.", "time": "2026-01-01T00:00:00Z"}\n'))
    (copy,) = read_approved(path, catalogue, FieldMap.parse(["product_id=sku", "copy.text=words"])).copies
    assert (copy.product.name, copy.text, copy.time) == ("Harbor Kettle", "Harbor Kettle.", "2026-01-01T00:00:00Z")


def test_a_row_with_columns_and_no_id_is_called_by_its_name(tmp_path):
    path = write(tmp_path, "name,category,price,text", "Harbor Kettle,Kettles,39.00 USD,Hello.")
    assert read_approved(path, None).copies[0].product.product_id == "Harbor Kettle"


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ("p1,Mug,Mugs,dear,Hi.,loyal,push,3", "price", "'dear' is no price"),
        ("p1,Mug,Mugs,1 USD,,loyal,push,3", "text", "the text is empty"),
        ("p1,Mug,Mugs,1 USD,Hi.,loyal,pigeon,3", "channel", "'pigeon' is no channel"),
        ("p1,Mug,Mugs,1 USD,Hi.,loyal,push,-3", "clicks", "-3 is below zero"),
        ("p1,,,,Hi.,loyal,push,3", "product_id", "the product 'p1' is not known"),
        (",,,,Hi.,loyal,push,3", "product_id", "the row names no product"),
        ("p1,Mug,Mugs,1 USD,Hi.", "", "5 cells where the header has 8"),
    ],
)
def test_a_bad_row_is_told_kept_and_left_out(tmp_path, row, field, reason):
    good = "p2,Mug,Mugs,1 USD,Hi.,loyal,push,3"
    found = read_approved(write(tmp_path, HEAD, row, good), None)
    assert [copy.product.product_id for copy in found.copies] == ["p2"]
    (rejected,) = found.rejected
    assert (rejected.line, rejected.field) == (2, field)
    assert reason in rejected.reason
    kept = [str(value) for value in rejected.row.values()]
    assert ",".join(kept) == row


def test_a_line_that_is_no_json_or_no_text_is_passed_over(tmp_path):
    path = tmp_path / "copy.jsonl"
    good = b'{"product_id": "p", "name": "Mug", "category": "Mugs", "price": "1 USD", "text": "Hi."}\n'
    path.write_bytes(b"{broken\n" + good + b'["x"]\n\xff{}\n\n')
    found = read_approved(path, None)
    assert len(found.copies) == 1
    assert [row.line for row in found.rejected] == [1, 3, 4]
    assert found.rejected[0].row == {"raw": "{broken"}


def test_bytes_that_are_not_utf8_and_a_loose_quote_spoil_their_own_rows_alone(tmp_path):
    path = tmp_path / "copy.csv"
    rows = [b"p1,M\xfcg,Mugs,1 USD,Hi.,loyal,push,3", b'p2,Mug,Mugs,1 USD,"Hi" there,loyal,push,3']
    good = b'p3,Mug,Mugs,1 USD,"Two\nlines",loyal,push,3'
    path.write_bytes(b"\n".join([HEAD.encode(), *rows, good, b""]))
    found = read_approved(path, None)
    assert [copy.text for copy in found.copies] == ["Two lines"]
    assert found.copies[0].line == 4
    assert [row.line for row in found.rejected] == [2, 3]
    assert "UTF-8" in found.rejected[0].reason


def test_bad_rows_of_the_catalogue_are_told_too(tmp_path):
    catalogue = write(tmp_path, "product_id,name,category,price", "p1,Mug,Mugs,?", "p2,Cup,Cups,1 USD", name="cat.csv")
    path = write(tmp_path, "product_id,text", "p1,Hi Mug.", "p2,Hi Cup.")
    found = read_approved(path, catalogue)
    assert [copy.product.product_id for copy in found.copies] == ["p2"]
    assert [(row.file, row.line, row.field) for row in found.rejected] == [
        (str(catalogue), 2, "price"),
        (str(path), 2, "product_id"),
    ]


def test_a_file_without_a_column_for_texts_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no column 'text'"):
        read_approved(write(tmp_path, "product_id,words", "p1,Hi."), None)
    with pytest.raises(ConfigError, match="no such file"):
        read_approved(tmp_path / "none.csv", None)
