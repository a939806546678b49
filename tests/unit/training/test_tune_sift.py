from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scored_texts import ROW

from schemas.approved import ApprovedCopy
from schemas.catalog import Product
from schemas.errors import ConfigError
from training.tune.sift import reasons, sift, split, with_references

PRODUCT = Product(
    product_id="p1",
    name="Peak Kettle",
    category="Kettles",
    price_minor=3950,
    currency="USD",
    brand="Peak",
    features=["Soft grip", "Long cord", "Steel filter"],
)


def copy(text, line=2, **changes):
    given = {"product": PRODUCT, "text": text, "file": "copy.csv", "line": line, "row": {"text": text}}
    return ApprovedCopy(**{**given, **changes})


def test_a_text_is_learned_in_slot_form_under_the_request_that_it_answers():
    found = sift([copy("Peak Kettle for $39.50. Shop now.", segment="loyal", tone="bold", clicks=3)], 1)
    (row,) = found.rows
    assert row.text == "{NAME} for {PRICE}. Shop now."
    assert (row.request.segment, row.request.tone, row.request.cta, row.clicks) == ("loyal", "bold", "shop", 3)
    assert row.request.facts["PRICE"] == "$39.50"
    assert found.slots == {"NAME": 1, "PRICE": 1}
    assert found.rejected == []


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        ("The kettle for mornings.", {}, "copy_name_missing"),
        ("Peak Kettle boils in 3 minutes.", {}, "copy_claim"),
        ("Peak Kettle for $41.", {}, "copy_claim"),
        ("Peak Kettle. Take a look.", {"cta": "shop"}, "copy_cta_missing"),
        ("Peak Kettle and Peak Kettle again.", {}, "copy_repeats"),
        ("Peak Kettle " + "waits " * 20 + "here.", {}, "copy_too_long"),
        # A brand that is part of the name has no slot.
        ("Peak Kettle, as Peak thinks of it.", {}, "BRAND: Peak"),
        ("Peak Kettle. A long cord. Steel filter.", {}, "copy_claim"),
    ],
)
def test_what_serving_would_not_admit_is_left_out_with_the_reason(text, changes, reason):
    found = sift([copy(text, 7, **changes)], 1)
    assert found.rows == []
    (rejected,) = found.rejected
    assert reason in rejected.reason
    assert (rejected.line, rejected.field, rejected.row) == (7, "text", {"text": text})
    assert list(reasons(found.rejected)) == [f"left out: copy.csv:7:text: {rejected.reason}"]


def test_a_feature_without_a_slot_is_a_fact_outside_its_slot():
    product = replace(PRODUCT, features=["Soft grip", "Long cord", "Quick pour"])
    (rejected,) = sift([copy("Peak Kettle, a quick pour at dawn.", product=product)], 1).rejected
    assert rejected.reason == "a fact stands outside its slot: feature: Quick pour"


def test_the_same_text_twice_is_learned_once():
    found = sift([copy("Peak Kettle waits.", 2), copy("Peak Kettle waits.", 5)], 1)
    assert len(found.rows) == 1
    assert "line 2" in found.rejected[0].reason


def rows_of(products):
    texts = ("waits.", "is here.", "comes home.", "stays in mind.")
    made = []
    for number in range(products):
        product = Product(
            product_id=f"p{number}",
            name=f"Mug {'abcdefghijklmnopqrstuvwxyz'[number]}lpha",
            category="Mugs",
            price_minor=100,
            currency="USD",
        )
        made += [
            copy(f"{product.name} {text}", 10 * number + place, product=product) for place, text in enumerate(texts)
        ]
    found = sift(made, 1)
    assert len(found.rows) == 4 * products
    return found.rows


def test_whole_products_are_held_out_and_the_same_for_a_seed():
    rows = rows_of(20)
    learned, held = split(rows, 4)
    assert len({row.request.product_id for row in held}) == 2
    assert not {row.request.product_id for row in held} & {row.request.product_id for row in learned}
    assert len(learned) + len(held) == len(rows)
    assert split(rows, 4) == (learned, held)


def test_of_a_single_product_nothing_is_held_out():
    rows = rows_of(1)
    assert split(rows, 4) == (rows, [])


def test_some_rows_are_learned_with_a_reference_of_another_product():
    rows = with_references(rows_of(20), 4)
    referred = [row for row in rows if row.request.reference is not None]
    assert 5 < len(referred) < 40
    assert all("{NAME}" in row.request.reference for row in referred)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40))
def test_by_time_the_newest_tenth_is_held_out_and_nothing_of_its_time_is_learned(days):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [msgspec.structs.replace(ROW, time=start + timedelta(days=day)) for day in days]
    learned, held = split(rows, 1, "time")
    assert len(learned) + len(held) == len(rows)
    assert len(held) >= max(1, round(len(rows) / 10))
    assert all(old.time < new.time for old in learned for new in held)
    newest = [row for row in held if row.time > min(row.time for row in held)]
    assert len(newest) < max(1, round(len(rows) / 10))


def test_without_times_there_is_no_split_by_time():
    with pytest.raises(ConfigError, match="1 of 2 rows say no time"):
        split([ROW, msgspec.structs.replace(ROW, time=datetime(2026, 1, 1, tzinfo=UTC))], 1, "time")


def test_a_time_is_read_as_rfc_3339_and_anything_else_is_told():
    good = sift([copy("Peak Kettle. Shop now.", time="2026-03-01T10:00:00Z")], 1).rows[0]
    assert good.time == datetime(2026, 3, 1, 10, tzinfo=UTC)
    (left,) = sift([copy("Peak Kettle. Shop now.", time="last week")], 1).rejected
    assert left.reason == "'last week' is no time as RFC 3339 has it"
