"""Where the products of `patter write` come from, and what is said of rows that cannot be read."""

import gzip
import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from patter.files import FieldMap
from patter.write import products
from patter.write.products import OneProduct, of_flags, read_products
from patter.write.sources import Flags, products_of
from schemas.errors import Code, ConfigError

CSV = """product_id,name,category,price,features,care
A,Harbor Kettle,kitchen,39.00 USD,Rapid boil; Quiet lid,Rinse by hand
B,Trail Boots,footwear,dear,,
C,Short row,kitchen
A,Harbor Kettle again,kitchen,1 USD,,
D,Mug,kitchen,"16,50 EUR",,
"""


def test_the_good_rows_are_read_and_the_bad_ones_told(tmp_path):
    path = tmp_path / "catalogue.csv"
    path.write_text(CSV)
    read = read_products(path, FieldMap())
    assert [product.product_id for product in read.products] == ["A", "D"]
    assert read.products[0].extra == {"care": "Rinse by hand"}
    assert [error.where for error in read.bad] == [f"{path}:3:price", f"{path}:4", f"{path}:5:product_id"]
    assert {error.code for error in read.bad} == {Code.FILE_INVALID}


def test_nothing_readable_is_an_error_that_names_the_first_row(tmp_path):
    path = tmp_path / "catalogue.csv"
    path.write_text("product_id,name,category,price\nA,Mug,kitchen,dear\nB,,kitchen,1 USD\n")
    with pytest.raises(ConfigError) as caught:
        read_products(path, FieldMap())
    assert caught.value.where == f"{path}:2:price"


def test_a_column_that_is_missing_is_told_with_a_guess(tmp_path):
    path = tmp_path / "catalogue.csv"
    path.write_text("sku,title,category,price\nA,Mug,kitchen,1 USD\n")
    with pytest.raises(ConfigError) as caught:
        read_products(path, FieldMap())
    assert "--map product_id=sku" in caught.value.hint
    mapping = FieldMap.parse(["product_id=sku", "name=title"])
    assert read_products(path, mapping).products[0].name == "Mug"


@pytest.mark.parametrize("packed", [False, True])
def test_stdin(monkeypatch, packed):
    data = CSV.encode()
    stream = io.BytesIO(gzip.compress(data) if packed else data)
    monkeypatch.setattr(products.sys, "stdin", SimpleNamespace(buffer=stream))
    read = read_products(Path("-"), FieldMap())
    assert [product.product_id for product in read.products] == ["A", "D"]
    assert read.bad[0].where.startswith("stdin")
    assert read.bad[0].where.endswith(":3:price")


def test_json_lines_on_stdin(monkeypatch):
    line = b'{"product_id": 7, "name": "Mug", "category": "kitchen", "price": "5 USD"}\nnot json\n'
    monkeypatch.setattr(products.sys, "stdin", SimpleNamespace(buffer=io.BytesIO(line)))
    read = read_products(Path("-"), FieldMap())
    assert [product.product_id for product in read.products] == ["7"]
    assert [error.where for error in read.bad] == ["stdin:2"]


def test_one_product_from_flags():
    product = of_flags(
        OneProduct(
            name="Harbor Kettle",
            category="kitchen",
            price="$39",
            brand="Norrvik",
            features=("Rapid boil", "Quiet lid"),
            off="20%",
        )
    )
    assert (product.product_id, product.price_minor, product.currency) == ("harbor-kettle", 3900, "USD")
    assert (product.discount_percent, product.features) == (20.0, ["Rapid boil", "Quiet lid"])


@pytest.mark.parametrize(
    ("more", "flag"),
    [({"price": "39"}, "--price"), ({"off": "much"}, "--off"), ({"off": "120"}, "--off"), ({"name": ""}, "--name")],
)
def test_a_bad_flag_is_named(more, flag):
    with pytest.raises(ConfigError) as caught:
        of_flags(OneProduct(**{"name": "Kettle", "category": "kitchen", "price": "39 USD", **more}))
    assert (caught.value.code, caught.value.where) == (Code.USAGE, flag)


def test_flags_that_do_not_go_together(tmp_path):
    with pytest.raises(ConfigError, match="do not go together"):
        products_of(tmp_path / "c.csv", (), Flags(name="Kettle"))
    with pytest.raises(ConfigError, match="needs --category and --price"):
        products_of(None, (), Flags(name="Kettle"))


def test_without_anything_the_demos_shop_is_written_for():
    assert len(products_of(None, (), Flags()).products) > 5
