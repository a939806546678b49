"""The catalogue file: what it may look like, and what is said where it is wrong."""

from pathlib import Path

import msgspec
import pytest

from patter.files import FieldMap, read_catalogue
from schemas.catalog import Product
from schemas.errors import Code, ConfigError


def _read(folder: Path, data: str, *maps: str, name: str = "c.csv", default: str | None = None) -> list[Product]:
    path = folder / name
    path.write_text(data, encoding="utf-8")
    return list(read_catalogue(path, FieldMap.parse(maps), default))


def test_csv_with_everything(tmp_path: Path) -> None:
    (product,) = _read(
        tmp_path,
        "product_id,name,category,price,brand,features,discount_percent,stock,rating,gtin,asset_ids,margin,empty\n"
        'A-1,Rain Jacket,outerwear,"129,00 €",Norrvik,taped seams; hood ,20%,84.0,"4,6",0012345,a;b,0.4,\n',
    )
    assert product == Product(
        product_id="A-1",
        name="Rain Jacket",
        category="outerwear",
        price_minor=12900,
        currency="EUR",
        brand="Norrvik",
        features=["taped seams", "hood"],
        discount_percent=20.0,
        stock=84,
        rating=4.6,
        gtin="0012345",
        asset_ids=["a", "b"],
        extra={"margin": "0.4"},
    )


def test_json_lines_and_the_wire_form_are_the_same_product(tmp_path: Path) -> None:
    (typed,) = _read(
        tmp_path,
        '{"product_id": 17, "name": "Mug", "category": "kitchen", "price": 16.5, "currency": "usd", "size": 350,'
        ' "features": ["rolled rim"], "margin": {"class": 2}, "nothing": null}',
        name="c.jsonl",
    )
    assert (typed.product_id, typed.price_minor, typed.currency, typed.size) == ("17", 1650, "USD", "350")
    assert typed.extra == {"margin": '{"class":2}'}
    assert _read(tmp_path, msgspec.json.encode(typed).decode(), name="wire.jsonl") == [typed]


def test_currency_from_the_mapping_or_the_default(tmp_path: Path) -> None:
    data = "product_id,name,category,price\nA,B,C,5\n"
    assert _read(tmp_path, data, "currency==CHF")[0].currency == "CHF"
    assert _read(tmp_path, data, default="NOK")[0].currency == "NOK"


def test_other_names(tmp_path: Path) -> None:
    (product,) = _read(
        tmp_path,
        "sku;titel;kategorie;preis;währung\nA;B;C;1.299,00;EUR\n",
        "product_id=sku",
        "name=titel",
        "category=kategorie",
        "price=preis",
        "currency=währung",
    )
    assert (product.product_id, product.price_minor, product.extra) == ("A", 129900, {})


def test_minor_units_need_no_price(tmp_path: Path) -> None:
    data = "product_id,name,category,price_minor,currency\nA,B,C,1999,USD\n"
    assert _read(tmp_path, data)[0].price_minor == 1999


GOOD = '{"product_id": "A", "name": "B", "category": "C", "price": 1, "currency": "USD"}\n'


@pytest.mark.parametrize(
    ("data", "where", "what", "hint"),
    [
        ("product_id,name,category,preis\nA,B,C,5\n", ":1:price", "the columns are: product_id, name", "price=preis"),
        ("sku,name,category,price\nA,B,C,5\n", ":1:product_id", "no column 'product_id'", "product_id=sku"),
        ("Product ID,name,category,price\nA,B,C,5\n", ":1:product_id", "", "product_id=Product ID"),
        ("product_id,name,category,xyz\nA,B,C,5\n", ":1:price", "", "price=COLUMN"),
        ("product_id,name,category,price\nA,B,C,-5 USD\n", ":2:price", "the price is negative: -5 USD", ""),
        ("product_id,name,category,price\nA,B,C,5\n", ":2:price", "no currency", "currency==USD"),
        ("product_id,name,category,price\nA,B,C,\n", ":2:price", "the price is empty", ""),
        ("product_id,name,category,price\nA,B,C,5 US\n", ":2:price", "5 US", ""),
        ("product_id,name,category,price\n ,B,C,5 USD\n", ":2:product_id", "empty", ""),
        ("product_id,name,category,price\nA,B,C,5 USD\nB,,C,5 USD\n", ":3:name", "empty", ""),
        ("product_id,name,category,price,stock\nA,B,C,5 USD,many\n", ":2:stock", "'many' is no number", "leave it"),
        ("product_id,name,category,price,discount_percent\nA,B,C,5 USD,120\n", ":2:discount_percent", "<= 100", ""),
        ("product_id,name,category,price,currency\nA,B,C,5,dollars\n", ":2:currency", "no currency code", ""),
        ("product_id,name,category,price_minor,currency\nA,B,C,-5,USD\n", ":2:price_minor", "negative", ""),
        ("product_id,name,category,price_minor\nA,B,C,5\n", ":2:price_minor", "no currency", "currency==USD"),
        ("product_id,name,category,price\n", "", "no products", ""),
        ("product_id,name,category,price\nA,B,C,5 USD\nA,B,C,6 USD\n", ":3:product_id", "lines 2 and 3", ""),
        (f"product_id,name,category,price\n{'x' * 300},B,C,5 USD\n", ":2:product_id", "length <= 256", ""),
        (GOOD + '{"name": "B", "category": "C"}', ":2:product_id", "the columns are: name, category", ""),
        (GOOD + '{"product_id": "B", "name": null, "category": "C"}', ":2:name", "no column 'name'", ""),
        (GOOD + '{"product_id": "B", "name": ["x"], "category": "C"}', ":2:name", "is no text", ""),
        (GOOD + '{"product_id": true, "name": "x", "category": "C"}', ":2:product_id", "True is no id", ""),
        (GOOD + GOOD, ":2:product_id", "lines 1 and 2", ""),
    ],
)
def test_bad_files(tmp_path: Path, data: str, where: str, what: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, data)
    error = caught.value
    assert (error.code, error.exit_code) == (Code.FILE_INVALID, 2)
    assert error.where == f"{tmp_path / 'c.csv'}{where}"
    assert what in error.what
    assert hint in error.hint


def test_a_mapped_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no column 'priez' \(for price\)"):
        _read(tmp_path, "product_id,name,category,price\nA,B,C,5 USD\n", "price=priez")


def test_products_come_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(GOOD + "nonsense")
    products = read_catalogue(path)
    assert next(products).product_id == "A"
    with pytest.raises(ConfigError, match=":2"):
        next(products)
