"""What an evaluation asks: slices that training has not seen, products that are what they say."""

import pytest

from inference.generate.channels import LIMITS
from inference.generate.prompt import ANY, category_word
from training.evaluation.cases import VARIANTS, catalogue_slice, held_out_slices
from training.evaluation.products import invent, known_categories
from training.pairs import HELD_CATEGORIES, HELD_PAIRS, load_controls

CONTROLS = load_controls()
CALLS = dict.fromkeys(LIMITS, ("none", "shop"))
TRAINED = [name for name in CONTROLS.categories if name != ANY]


def conditions(cases):
    return {(request.segment, request.tone) for case in cases for request in case.requests}


@pytest.fixture(scope="module")
def slices():
    return held_out_slices(CONTROLS, CALLS, 120, 7)


def test_there_are_products_for_every_category():
    assert set(known_categories()) == {*TRAINED, *HELD_CATEGORIES}


def test_a_shop_s_own_category_is_what_the_training_calls_it():
    for one in invent(known_categories(), 400, 1):
        wanted = ANY if one.category in HELD_CATEGORIES else one.category
        assert category_word(one.product.category, CONTROLS.categories) == wanted


def test_products_differ_come_in_both_numbers_and_are_the_same_for_a_seed():
    products = invent(TRAINED, 190, 3)
    assert products == invent(TRAINED, 190, 3)
    assert products != invent(TRAINED, 190, 4)
    assert len({one.product.name for one in products}) == 190
    assert {category: sum(one.category == category for one in products) for category in TRAINED} == dict.fromkeys(
        TRAINED, 10
    )
    assert 0.3 < sum(one.several for one in products) / 190 < 0.7


def test_no_product_claims_a_second_feature_without_a_first_and_prices_are_sane():
    for one in invent(TRAINED, 200, 5):
        assert len(set(one.product.features)) == len(one.product.features) <= 2
        assert one.product.price_minor > 0


def test_held_out_products_are_asked_about_under_trained_conditions(slices):
    assert {case.category for case in slices["products"]} == set(TRAINED)
    assert not conditions(slices["products"]) & HELD_PAIRS


def test_held_out_categories_only(slices):
    assert {case.category for case in slices["categories"]} == set(HELD_CATEGORIES)
    assert not conditions(slices["categories"]) & HELD_PAIRS


def test_held_out_pairs_only(slices):
    assert conditions(slices["segments_and_tones"]) == HELD_PAIRS
    assert {case.category for case in slices["segments_and_tones"]} == set(TRAINED)


def test_variants_differ_in_their_seed_alone_and_no_seed_comes_twice(slices):
    seeds = [request.seed for cases in slices.values() for case in cases for request in case.requests]
    assert len(set(seeds)) == len(seeds) == 3 * 120 * VARIANTS
    for case in slices["products"]:
        assert len({(r.channel, r.cta, r.segment, r.tone, r.length, r.sentiment) for r in case.requests}) == 1
        assert case.requests[0].max_chars == LIMITS[case.requests[0].channel]


def test_calls_are_those_that_the_training_has_in_a_channel():
    calls = {"push": ("none", "shop"), "ad_headline": ("none",)}
    cases = held_out_slices(CONTROLS, calls, 80, 2)["products"]
    asked = {(request.channel, request.cta) for case in cases for request in case.requests}
    assert asked == {("push", "none"), ("push", "shop"), ("ad_headline", "none")}


def test_a_shop_s_products_each_come_once_before_one_comes_again():
    products = [one.product for one in invent(["pets", "automotive"], 6, 9)]
    cases = catalogue_slice(products, CONTROLS, CALLS, 9, 1)
    assert {case.product.product_id for case in cases[:6]} == {product.product_id for product in products}
    assert len(cases) == 9
    assert {case.category for case in cases} == {"pets", ANY}
    assert catalogue_slice([], CONTROLS, CALLS, 9, 1) == []
