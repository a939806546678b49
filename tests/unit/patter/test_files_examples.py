"""The example files are what their README says they are."""

from pathlib import Path

import msgspec

from patter.files import FieldMap, Reading, check_events, newest_time_ms, read_catalogue, read_shoppers

EXAMPLES = Path(__file__).parents[3] / "examples"
NOW_MS = 1_900_000_000_000


def test_products_and_shoppers() -> None:
    assert {product.currency for product in read_catalogue(EXAMPLES / "products.csv")} == {"USD"}
    assert [row["avg_order_minor"] for row in read_shoppers(EXAMPLES / "shoppers.csv")] == [
        6400,
        3850,
        42000,
        5500,
        7200,
    ]


def test_events_are_brought_to_now() -> None:
    path = EXAMPLES / "events.jsonl"
    reading = Reading(now_ms=NOW_MS)
    newest = newest_time_ms(path, reading)
    assert newest is not None
    found = check_events(path, msgspec.structs.replace(reading, shift_ms=NOW_MS - newest))
    assert (found.records, found.duplicates, found.undecodable) == (12, 1, 0)


def test_a_german_price_list() -> None:
    maps = ["product_id=artikel", "name=titel", "category=warengruppe", "price=preis", "color=farbe"]
    products = list(read_catalogue(EXAMPLES / "preise.csv", FieldMap.parse(maps)))
    assert [(each.price_minor, each.currency, each.extra) for each in products] == [
        (3990, "EUR", {"lagerplatz": "B12"}),
        (1650, "EUR", {"lagerplatz": "B14"}),
        (3200, "EUR", {"lagerplatz": "C02"}),
    ]


def test_a_trackers_csv() -> None:
    path = EXAMPLES / "tracker-events.csv"
    maps = ["kind=event", "event_id=id", "user_id=customer", "time=ts", "events.product_id=sku"]
    reading = Reading(now_ms=NOW_MS, mapping=FieldMap.parse(maps))
    newest = newest_time_ms(path, reading)
    assert newest is not None
    assert check_events(path, msgspec.structs.replace(reading, shift_ms=NOW_MS - newest)).records == 3
