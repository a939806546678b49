"""The demo's shop: exact counts, a schedule in order, faults that are faults, the same for the same seed."""

from collections import Counter

import pytest

from features import segments
from features.default_segments import DEFAULT_TABLE
from inference.decide.facts import slot_values
from patter.demo.shop import DemoShop, Scheduled, demo_catalogue
from patter.demo.shop_events import rfc3339
from patter.demo.shop_faults import FAULTS, ONCE
from patter.demo.shop_people import STRANGERS
from schemas.decode import Rejection, decode_event, time_ms
from schemas.topics import MAX_EVENT_BYTES

START_MS = 1_790_000_000_000
PRODUCTS = list(demo_catalogue())


def _events(seed: int = 1, **changes: object) -> list[Scheduled]:
    asked: dict[str, object] = {"run_id": "r", "rate": 200.0, "seconds": 10.5, "duplicates": 70, "malformed": 60}
    shop = DemoShop(seed, 500, PRODUCTS)
    return list(shop.events(**{**asked, "start_ms": START_MS, **changes}))  # type: ignore[arg-type]


def test_counts_are_exact_and_the_schedule_is_in_order() -> None:
    events = _events()
    assert Counter(each.kind for each in events) == {"event": 2100, "duplicate": 70, "malformed": 60}
    times = [each.at_s for each in events]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= 10.5


@pytest.mark.parametrize(
    ("rate", "seconds", "duplicates", "malformed"),
    [(1.0, 0.5, 0, 0), (3.0, 1.0, 9, 2), (7.3, 3.3, 0, 5), (0.0, 5.0, 0, 3)],
)
def test_counts_of_odd_runs(rate: float, seconds: float, duplicates: int, malformed: int) -> None:
    events = _events(rate=rate, seconds=seconds, duplicates=duplicates, malformed=malformed)
    kinds = Counter(each.kind for each in events)
    assert (kinds["event"], kinds["duplicate"], kinds["malformed"]) == (round(rate * seconds), duplicates, malformed)


def test_there_must_be_something_to_repeat() -> None:
    with pytest.raises(ValueError, match="no events"):
        _events(rate=0.0)


def test_every_good_event_decodes_has_its_own_id_and_the_time_of_its_schedule() -> None:
    ids, kinds, bots = set(), Counter[str](), 0
    for each in _events():
        if each.kind != "event":
            continue
        event = decode_event(each.value, START_MS + int(each.at_s * 1000))
        assert not isinstance(event, Rejection), (event, each.value)
        assert abs(time_ms(event.time) - START_MS - each.at_s * 1000) <= 1
        assert each.key == event.user_id.encode()
        assert event.event_id not in ids
        ids.add(event.event_id)
        kinds[event.__struct_config__.tag] += 1  # type: ignore[index]
        bots += "bot" in (event.user_agent or "").lower() or "headless" in (event.user_agent or "").lower()
    assert set(kinds) == {
        "product_viewed",
        "list_viewed",
        "searched",
        "cart_added",
        "cart_removed",
        "identified",
        "order_placed",
    }
    assert kinds["product_viewed"] > sum(kinds.values()) / 2
    assert 0 < bots < sum(kinds.values()) / 20


def test_a_duplicate_repeats_the_bytes_of_an_earlier_event_within_seconds() -> None:
    first: dict[bytes, float] = {}
    for each in _events():
        if each.kind == "event":
            first[each.value] = each.at_s
        elif each.kind == "duplicate":
            assert 0 <= each.at_s - first[each.value] <= 3.0


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_rejected_at_the_time_of_its_arrival(name: str) -> None:
    event = {
        "kind": "product_viewed",
        "event_id": "e1",
        "user_id": "u1",
        "time": rfc3339(START_MS),
        "product_id": "p1",
    }
    assert isinstance(decode_event(FAULTS[name](event), START_MS), Rejection)


def test_malformed_records_are_of_every_kind_rejected_and_spread_over_keys() -> None:
    bad = [each for each in _events() if each.kind == "malformed"]
    codes = Counter()
    for each in bad:
        verdict = decode_event(each.value, START_MS + int(each.at_s * 1000))
        assert isinstance(verdict, Rejection), each.value[:200]
        codes[verdict.code] += 1
    assert len(bad) > len(FAULTS)
    assert len(codes) >= 12
    assert len({each.key for each in bad}) > len(bad) / 2
    assert sum(len(each.value) >= MAX_EVENT_BYTES for each in bad) == 1
    assert max(len(each.value) for each in bad) < 1_200_000
    assert ONCE in FAULTS


def test_the_same_seed_is_the_same_shop_and_another_run_has_other_ids() -> None:
    assert _events() == _events()
    other = _events(run_id="s")
    assert [each.at_s for each in other] == [each.at_s for each in _events()]
    assert {each.value for each in other if each.kind == "event"}.isdisjoint(each.value for each in _events())
    assert [each.at_s for each in _events(seed=2)] != [each.at_s for each in _events()]


def test_somebody_elses_shoppers_and_products() -> None:
    users = [f'u"{number}\\' for number in range(20)]
    products = [product for product in PRODUCTS if product.category == "toys"]
    shop = DemoShop(1, 500, products).with_users(users)
    events = shop.events(run_id="r", rate=100, seconds=3, duplicates=0, malformed=0, start_ms=START_MS)
    for each in events:
        event = decode_event(each.value, START_MS)
        assert not isinstance(event, Rejection)
        assert event.user_id in users
        assert getattr(event, "product_id", None) in {None, *(product.product_id for product in products)}


def test_busy_shoppers_and_popular_products_stand_out_but_do_not_swamp() -> None:
    events = [each for each in _events(rate=2000.0) if each.kind == "event"]
    busiest = Counter(each.key for each in events).most_common(1)[0][1]
    assert 2 * len(events) / 500 < busiest < len(events) / 20


def test_profiles_are_varied_and_some_shoppers_are_strangers() -> None:
    shop = DemoShop(1, 3_000, PRODUCTS)
    rows = list(shop.profiles())
    assert rows == list(shop.profiles())
    assert {row["user_id"] for row in rows} < set(shop.users)
    assert abs(1 - len(rows) / 3_000 - STRANGERS) < 0.02
    assert sum(row["favourite_category"] is None for row in rows) > 100
    for column, low, high in (("orders_90d", 0, 6), ("days_since_order", 10, 200), ("avg_order_minor", 5_000, 28_000)):
        values = [row[column] for row in rows]
        assert min(values) <= low < high <= max(values)  # type: ignore[type-var]


def test_every_default_segment_occurs_and_none_is_rare() -> None:
    shop = DemoShop(1, 3_000, PRODUCTS)
    rows = {row["user_id"]: row for row in shop.profiles()}
    segment_of = segments.compile(DEFAULT_TABLE)
    found = Counter(segment_of({"user_profile": rows.get(user)}) for user in shop.users)
    names = {rule.name for rule in DEFAULT_TABLE.rules} | {DEFAULT_TABLE.default, DEFAULT_TABLE.unknown}
    assert set(found) == names
    assert min(found.values()) > 3_000 * 0.05


def test_the_catalogue_is_worth_writing_about() -> None:
    assert len(PRODUCTS) >= 60
    assert len({product.category for product in PRODUCTS}) >= 10
    assert (
        len({product.product_id for product in PRODUCTS})
        == len({product.name for product in PRODUCTS})
        == len(PRODUCTS)
    )
    assert sum(bool(product.discount_percent) for product in PRODUCTS) >= 12
    for product in PRODUCTS:
        assert len(product.features) >= 2
        assert not any(character.isdigit() for character in product.name)
        assert {"NAME", "PRICE", "BRAND", "CATEGORY", "FEATURE", "FEATURE2"} <= set(slot_values(product))
