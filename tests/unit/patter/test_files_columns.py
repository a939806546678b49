"""`--map`: what it accepts, what it refuses, and which file it speaks of."""

import pytest

from patter.files import FieldMap
from schemas.errors import Code, ConfigError


@pytest.mark.parametrize("text", ["price", "price=", "=preis", "", "price= "])
def test_half_a_mapping_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        FieldMap.parse([text])
    assert caught.value.code is Code.USAGE


def test_an_unknown_field_is_answered_with_the_list() -> None:
    with pytest.raises(ConfigError) as caught:
        FieldMap.parse(["prize=preis"])
    assert caught.value.code is Code.USAGE
    assert "no field 'prize'" in caught.value.what
    assert all(field in caught.value.hint for field in ("price", "discount_share", "anonymous_id"))


def test_an_unknown_file_is_answered_with_the_list() -> None:
    with pytest.raises(ConfigError, match="there are catalog, users, events"):
        FieldMap.parse(["orders.user_id=uid"])
    with pytest.raises(ConfigError, match="no field 'price'"):
        FieldMap.parse(["users.price=preis"])


def test_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="mapped twice"):
        FieldMap.parse(["price=a", "price=b"])


def test_a_mapping_for_one_file_wins_over_one_for_all() -> None:
    mapping = FieldMap.parse(["product_id=sku", "events.product_id=item.id"])
    assert mapping.of("catalog").column("product_id") == "sku"
    assert mapping.of("events").column("product_id") == "item.id"
    assert mapping.of("users").column("product_id") == "product_id"


def test_a_field_of_several_files_falls_back_to_its_own_name_where_the_column_is_not_there() -> None:
    mapping = FieldMap.parse(["user_id=uid"])
    assert mapping.of("events").find({"user_id": "u"}, "user_id") == "u"
    assert mapping.of("users").find({"uid": "v", "user_id": "u"}, "user_id") == "v"


@pytest.mark.parametrize("text", ["price=preis", "catalog.product_id=preis"])
def test_a_mapping_that_means_one_file_only_never_falls_back(text: str) -> None:
    columns = FieldMap.parse([text]).of("catalog")
    assert columns.find({"price": "1", "product_id": "p"}, next(iter(columns.names))) is None
    assert not columns.has(["price", "product_id"], next(iter(columns.names)))


def test_paths_literals_and_names_with_dots() -> None:
    columns = FieldMap.parse(["product_id=item.sku", "currency==EUR", "name=a.b"]).of("catalog")
    values: dict[str, object] = {"item": {"sku": "p1"}, "a.b": "dotted"}
    assert columns.find(values, "product_id") == "p1"
    assert columns.find(values, "currency") == "EUR"
    assert columns.find(values, "name") == "dotted"


def test_a_price_means_the_catalogue_unless_the_events_are_named() -> None:
    mapping = FieldMap.parse(["price=preis"])
    assert mapping.of("events").column("price") == "price"
    assert FieldMap.parse(["events.price=preis"]).of("events").column("price") == "preis"
