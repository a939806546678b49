"""What identifies a product (id, name, price, currency, assets) comes through verbatim: file, decision record, text.

After VirtualModel (arXiv 2405.09985), which holds a generated picture to the product that it shows.
"""

import csv
import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from inference.decide.facts import facts_of
from inference.generate.consistency import consistency
from patter.files.cells import present
from patter.files.products import read_catalogue
from schemas.money import exponent, written

SIGNS = st.characters(codec="utf-8", categories=["L", "N"], include_characters="&-'™.®/+é")
WORDS = st.text(SIGNS, min_size=1, max_size=12).filter(lambda text: present(text) == text)
NAMES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
IDS = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="-_:."), min_size=1, max_size=20)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "product_id": IDS.filter(lambda text: present(text) == text),
            "name": NAMES,
            "price_minor": st.integers(0, 10**8),
            "currency": st.sampled_from(["USD", "EUR", "GBP", "JPY", "CHF", "KWD"]),
            "asset_ids": st.lists(IDS.filter(lambda text: present(text) == text), max_size=3),
        }
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda row: row["product_id"],
)
TEXT = "Meet {NAME}: {PRICE}. Shop now."
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def products_of(rows, folder, kind):
    path = folder / f"products.{kind}"
    whole = [{**row, "category": "kitchen"} for row in rows]
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in whole), "utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(whole[0]))
            table.writeheader()
            table.writerows({**row, "asset_ids": ";".join(row["asset_ids"])} for row in whole)
    return list(read_catalogue(path))


@many
@given(ROWS, st.sampled_from(["jsonl", "csv"]))
def test_identity_is_the_same_in_file_record_and_text(make_bench, tmp_path, rows, kind):
    bench = make_bench()
    for product in products_of(rows, tmp_path, kind):
        bench.states.catalogue[product.product_id] = facts_of(product)
        bench.copy(TEXT, segment="new", arm="warm", product_id=product.product_id)
    bench.prefer(warm=(1e6, 1.0), template=(1.0, 1e6), bold=(1.0, 1e6))
    views = [bench.view(f"e{place}", product_id=row["product_id"]) for place, row in enumerate(rows)]
    for row, decision in zip(rows, bench.decide(*views), strict=True):
        known = decision.catalogue
        assert {name: known.get(name, []) for name in row} == row
        assert decision.text == f"Meet {row['name']}: {written(row['price_minor'], row['currency'])}. Shop now."


@many
@given(ROWS, st.integers(0, 10**8), st.sampled_from(["USD", "EUR", "GBP", "CHF", "SEK"]))
def test_a_text_with_another_price_or_currency_is_caught(tmp_path, rows, minor, currency):
    """The mutations are made on the finished text: neither slots nor masks stand in their way."""
    product, *_ = products_of(rows, tmp_path, "jsonl")
    right = f"Meet it: {written(product.price_minor, product.currency)}. Shop now."
    assert consistency(right, product).contradictions == ()
    assume(exponent(product.currency) == exponent(currency))
    # Where the name or an id happens to hold the figure, no one can say that it is not the record's.
    assume(str(minor) not in f"{product.product_id} {product.name}")
    own = (product.price_minor, product.currency)
    for wrong in {(minor, product.currency), (product.price_minor, currency)} - {own}:
        mutated = f"Meet it: {written(*wrong)}. Shop now."
        assert consistency(mutated, product).score < consistency(right, product).score, mutated


@pytest.mark.parametrize("lost", ["product_id", "name", "price_minor", "currency", "asset_ids"])
def test_the_decision_record_lists_what_identifies_a_product(tmp_path, lost):
    row = {"product_id": "p", "name": "Mug", "price_minor": 5, "currency": "USD", "asset_ids": ["img-1", "img-2"]}
    (product,) = products_of([row], tmp_path, "jsonl")
    assert json.loads(bytes(facts_of(product).encoded))[lost] == row[lost]
