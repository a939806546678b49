"""The last line of defence reads a rendered text and a record, and nothing else."""

from decimal import Decimal

import pytest

from inference.generate.claimcheck import unbacked
from inference.generate.record import readings, record_of
from schemas.catalog import Product

MUG = Product(
    product_id="A-17",
    name="Harbor Mug WH-1000XM4",
    category="kitchen",
    price_minor=129_900,
    currency="USD",
    brand="Norrvik",
    description="Dishwasher-safe stoneware in midnight blue. Holds 350 ml.",
    features=["Two-year warranty", "Rolled rim"],
    discount_percent=20.0,
    rating=4.6,
    stock=84,
    extra={"care": "Keep away from heat above 60 °C", "pack": "3/4 full"},
)
RECORD = record_of(MUG)


@pytest.mark.parametrize(
    "text",
    [
        "Harbor Mug WH-1000XM4 is $1,299.00. Shop now.",
        "Harbor Mug at $1299.",
        "20% off, rated 4.6, and 84 left.",
        "Midnight blue stoneware, dishwasher safe.",
        "A two-year warranty. Holds 350 ml.",
        "Norrvik Harbor Mug, good to 60 °C.",
        "3/4 full.",
        "",
    ],
)
def test_what_the_record_has_passes(text):
    assert unbacked(text, RECORD) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yours for $19.00.", "$19.00"),
        ("Yours for €1,299.00.", "€1,299.00"),
        ("Yours for $1,299.00, was $1,500.00.", "$1,500.00"),
        ("Now 30% off.", "30%"),
        ("Now 84% off.", "84%"),
        ("Rated 4.9 by shoppers.", "4.9"),
        ("Harbor Mug WH-1000XM5.", "wh-1000xm5"),
        ("Holds 500 ml.", "500"),
        ("Holds 35 ml.", "35"),
        ("½ the price.", "½"),
        ("In red.", "red"),
        ("Made of steel.", "steel"),
        ("Two mugs and three plates.", "three"),
        ("An eco-friendly mug.", "eco friendly"),
        ("The best mug.", "best"),
        ("A lightweight mug.", "lightweight"),
        ("Free shipping.", "free"),
        ("A three-year warranty.", "three"),
    ],
)
def test_what_the_record_lacks_does_not(text, said):
    assert said in [finding.what for finding in unbacked(text, RECORD)]
    assert {finding.code.value for finding in unbacked(text, RECORD)} == {"copy_unbacked"}


def test_words_of_two_columns_are_no_phrase():
    product = Product(
        product_id="p", name="Glow Dishwasher", category="safe", price_minor=1, currency="USD", extra={"a": "safe"}
    )
    assert [finding.what for finding in unbacked("Dishwasher safe.", record_of(product))] == ["dishwasher safe"]


def test_the_figure_of_another_column_does_not_back_an_amount():
    product = Product(
        product_id="p", name="Desk", category="office", price_minor=5000, currency="USD", extra={"width": "120 cm"}
    )
    record = record_of(product)
    assert unbacked("120 cm wide, $50.00.", record) == ()
    assert [finding.what for finding in unbacked("Only $120.", record)] == ["$120"]
    assert [finding.what for finding in unbacked("20% off.", record)] == ["20%"]


@pytest.mark.parametrize(
    ("token", "values"),
    [
        ("12.99", {"12.99"}),
        ("12,99", {"12.99"}),
        ("1,299", {"1299", "1.299"}),
        ("1.299", {"1299", "1.299"}),
        ("1,299.00", {"1299"}),
        ("1.299,00", {"1299"}),
        ("1'299", {"1299"}),
        ("1,29,900", {"129900"}),
        ("10.5.2026", set()),
        ("5", {"5"}),
    ],
)
def test_a_sign_stands_between_thousands_only_before_three_digits(token, values):
    assert readings(token) == {Decimal(value) for value in values}


def test_a_price_a_hundred_times_too_low_is_unbacked():
    dear = Product(product_id="d", name="Ridge Desk", category="office", price_minor=129_900, currency="USD")
    assert [finding.code.value for finding in unbacked("Ridge Desk is $12.99.", record_of(dear))] == ["copy_unbacked"]
    assert unbacked("Ridge Desk is $1,299.00.", record_of(dear)) == ()
