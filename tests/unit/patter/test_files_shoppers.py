"""The file of shoppers, as rows of user_profile."""

from pathlib import Path

import pytest

from features.views import BY_NAME
from patter.files import FieldMap, Profile, read_shoppers
from schemas.errors import Code, ConfigError


def _read(folder: Path, data: str, *maps: str) -> list[Profile]:
    path = folder / "u.csv"
    path.write_text(data, encoding="utf-8")
    return list(read_shoppers(path, FieldMap.parse(maps)))


def test_a_full_row(tmp_path: Path) -> None:
    (profile,) = _read(
        tmp_path,
        "user_id,segment_hint,favourite_category,orders_90d,days_since_order,avg_order,currency,discount_share,"
        "loyalty_tier,locale,signup_days,shoe_size\n"
        'u1,loyal,bags,4,12.0,"1.234,50",EUR,35%,gold,de-DE,400,43\n',
    )
    assert profile == {
        "user_id": "u1",
        "segment_hint": "loyal",
        "favourite_category": "bags",
        "orders_90d": 4,
        "days_since_order": 12,
        "avg_order_minor": 123450,
        "currency": "EUR",
        "discount_share": 0.35,
        "loyalty_tier": "gold",
        "locale": "de-DE",
        "signup_days": 400,
    }


def test_the_columns_are_those_of_the_feature_view_whatever_the_file_holds(tmp_path: Path) -> None:
    (profile,) = _read(tmp_path, '{"user_id": 7, "orders_90d": null, "hobby": "chess"}')
    assert set(profile) == {"user_id", *BY_NAME["user_profile"].features}
    assert profile["user_id"] == "7"
    assert all(value is None for name, value in profile.items() if name != "user_id")


def test_other_names_and_amounts(tmp_path: Path) -> None:
    (profile,) = _read(tmp_path, "customer,basket\nu1,$25.00\n", "user_id=customer", "avg_order=basket")
    assert (profile["avg_order_minor"], profile["currency"]) == (2500, "USD")
    (profile,) = _read(tmp_path, "user_id,avg_order_minor,currency\nu1,2500,usd\n")
    assert (profile["avg_order_minor"], profile["currency"]) == (2500, "USD")


@pytest.mark.parametrize(
    ("data", "where", "what", "hint"),
    [
        ("uid,orders_90d\nu1,3\n", ":1:user_id", "no column 'user_id'", "user_id=uid"),
        ("user_id\n", "", "no shoppers", ""),
        ("user_id,orders_90d\nu1,few\n", ":2:orders_90d", "'few' is no number", ""),
        ("user_id,orders_90d\nu1,-3\n", ":2:orders_90d", "below zero", ""),
        ("user_id,discount_share\nu1,40\n", ":2:discount_share", "no share between 0 and 1", ""),
        ("user_id,avg_order\nu1,40\n", ":2:avg_order", "no currency", ""),
        ("user_id,avg_order\nu1,-4 USD\n", ":2:avg_order", "negative", ""),
        ("user_id,avg_order_minor\nu1,-4\n", ":2:avg_order_minor", "below zero", ""),
        ("user_id,x\nu1,1\nu2,1\nu1,2\n", ":4:user_id", "lines 2 and 4", ""),
        ("user_id,x\n,1\n", ":2:user_id", "empty", ""),
        (f"user_id,x\n{'u' * 257},1\n", ":2:user_id", "257 characters", ""),
    ],
)
def test_bad_files(tmp_path: Path, data: str, where: str, what: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, data)
    assert caught.value.code is Code.FILE_INVALID
    assert caught.value.where == f"{tmp_path / 'u.csv'}{where}"
    assert what in caught.value.what
    assert hint in caught.value.hint
