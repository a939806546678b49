"""Prices and numbers as people write them; what could mean two amounts is refused."""

import pytest

from patter.files import cells
from patter.files.amounts import plain_number, price_minor


@pytest.mark.parametrize(
    ("value", "currency", "default", "expected"),
    [
        ("19.99", "USD", None, (1999, "USD")),
        ("19.99 USD", None, None, (1999, "USD")),
        ("USD 19.99", None, "EUR", (1999, "USD")),
        ("$19.99", None, None, (1999, "USD")),
        ("$19.99", "CAD", None, (1999, "CAD")),
        ("$19.99", None, "AUD", (1999, "AUD")),
        ("$19.99", None, "EUR", (1999, "USD")),
        ("€19,99", None, None, (1999, "EUR")),
        ("19,99 €", None, None, (1999, "EUR")),
        ("1.234,50 €", None, None, (123450, "EUR")),
        ("1,234.50", "USD", None, (123450, "USD")),
        ("1 234,5", "SEK", None, (123450, "SEK")),
        ("1\u202f234,50\u00a0€", None, None, (123450, "EUR")),
        ("1'234.50 CHF", None, None, (123450, "CHF")),
        ("1,234,567", "USD", None, (123456700, "USD")),
        ("¥1,200", None, None, (1200, "JPY")),
        ("1200 jpy", None, None, (1200, "JPY")),
        ("1.250 KWD", None, None, (1250, "KWD")),
        ("0.500", "USD", None, (50, "USD")),
        ("19.9900", "USD", None, (1999, "USD")),
        (".5", "USD", None, (50, "USD")),
        (19.99, "USD", None, (1999, "USD")),
        (20, None, "EUR", (2000, "EUR")),
        (0, "USD", None, (0, "USD")),
        ("-0.00", "USD", None, None),
        ("12.500", "USD", None, None),
        ("1,234", "USD", None, None),
        ("1.234", "EUR", None, None),
        ("19.99", None, None, None),
        ("19.999", "USD", None, None),
        ("19.99 EUR", "USD", None, None),
        ("€5", "USD", None, None),
        ("-5.00", "USD", None, None),
        ("$-5", None, None, None),
        (-5, "USD", None, None),
        ("free", "USD", None, None),
        ("5 or 6", "USD", None, None),
        ("1.2.3", "USD", None, None),
        ("12,34,56", "USD", None, None),
        ("", "USD", None, None),
        (True, "USD", None, None),
        (["1"], "USD", None, None),
    ],
)
def test_prices(value: object, currency: str | None, default: str | None, expected: tuple[int, str] | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match=r"."):
            price_minor(value, currency, default)
    else:
        assert price_minor(value, currency, default) == expected


def test_a_negative_price_is_called_that() -> None:
    for value in ("-5.00", "$-5", -5, -0.01):
        with pytest.raises(ValueError, match="the price is negative"):
            price_minor(value, "USD")


def test_an_ambiguous_price_is_shown_both_ways() -> None:
    with pytest.raises(ValueError, match=r"may be 1234 or 1\.234"):
        price_minor("1,234", "USD")


def test_a_plain_decimal_point_is_no_question_outside_of_prices() -> None:
    assert plain_number("12.345") == "12.345"
    assert plain_number("-1.234,5") == "-1234.5"
    with pytest.raises(ValueError, match="may be"):
        plain_number("12,345")


def test_cells() -> None:
    assert (cells.whole("3.0"), cells.whole(3.0), cells.whole("1 200")) == (3, 3, 1200)
    assert (cells.share("35%"), cells.share(0.35), cells.share("0,35")) == (0.35, 0.35, 0.35)
    assert (cells.percent("20 %"), cells.percent(20)) == (20.0, 20.0)
    assert cells.items("a; b ;;c") == cells.items(["a", " b", "", "c"]) == ["a", "b", "c"]
    assert (cells.identifier(12), cells.identifier(12.0), cells.identifier(" x ")) == ("12", "12", " x ")
    assert cells.kept({"a": [1]}) == '{"a":[1]}'


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (cells.whole, "3.5"),
        (cells.whole, "three"),
        (cells.whole, True),
        (cells.number, "nan"),
        (cells.number, float("inf")),
        (cells.share, "1.2"),
        (cells.share, "-0.1"),
        (cells.text, {"a": 1}),
        (cells.items, [["a"]]),
        (cells.identifier, False),
    ],
)
def test_cells_that_are_refused(read: object, value: object) -> None:
    with pytest.raises(ValueError, match=r"is no"):
        read(value)  # type: ignore[operator]
