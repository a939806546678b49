"""The consistency score: what it holds against a text, kind by kind, and that it orders texts as it promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.generate.consistency import COVERED, HALVED, consistency
from inference.generate.rivals import rivals_of
from schemas.catalog import Product

KETTLE = Product(
    product_id="k",
    name="Harbor Kettle",
    category="Kitchen",
    price_minor=129_900,
    currency="USD",
    brand="Norrvik",
    description="No plastic inside. Lid in red or white.",
    features=["Rapid boil", "Two-year warranty"],
    material="steel",
    color="midnight",
    size="350 ml",
    discount_percent=20.0,
    rating=4.6,
)
PAN = Product(
    product_id="p",
    name="Ridge Pan",
    category="Kitchen",
    price_minor=4_500,
    currency="USD",
    brand="Ostrava",
    features=["Folding handle"],
    material="hammeron",
    color="Heliotrope",
    size="XL",
)
RIVALS = rivals_of([KETTLE, PAN])
RIGHT = "Harbor Kettle from Norrvik, midnight steel, 350 ml, $1,299.00. Rapid boil. 20% off."
NOTHING = "Have you seen this?"
ERRORS = {
    "price": "Now $1,250.00.",
    "price by a point": "Now $12.99.",
    "currency": "Now €1,299.00.",
    "currency code": "Now 1299.00 CHF.",
    "discount": "30% off.",
    "rating": "Rated 4.9.",
    "a rating that is another column's number": "350 ml, 2 stars.",
    "unit": "Holds 350 l.",
    "unit joined": "Holds 350g.",
    "number": "Holds 500 of them.",
    "colour": "In green.",
    "colour of another product": "In Heliotrope.",
    "material": "Made of glass.",
    "material of another product": "Made of hammeron.",
    "claim": "The best.",
    "property": "Lightweight.",
    "name": "Meet Ridge Pan.",
    "brand": "By Ostrava.",
    "size": "Size XL.",
    "feature": "With folding handle.",
    "negated feature": "It has no rapid boil.",
    "negated material": "It isn't made of steel.",
    "negated colour": "It does not come in midnight.",
    "negated discount": "Not 20% off.",
}


def score(text, product=KETTLE, rivals=RIVALS):
    return consistency(text, product, rivals)


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        NOTHING,
        "Don't let Harbor Kettle go.",
        "Never without Harbor Kettle: $1299.",
        "It holds 350ml. Lid in red.",
        "No plastic inside. Rated 4.6.",
        "Not just steel: rapid boil.",
        "No rush, no fuss. Steel, as it was.",
    ],
)
def test_what_the_record_has_is_no_contradiction(text):
    assert score(text).contradictions == ()


@pytest.mark.parametrize("kind", ERRORS)
def test_one_error_is_one_contradiction_and_costs_half(kind):
    right, wrong = score(RIGHT), score(f"{RIGHT} {ERRORS[kind]}")
    assert len(wrong.contradictions) == 1, wrong.contradictions
    assert wrong.score == pytest.approx(right.score * HALVED)


@given(st.permutations(sorted(ERRORS)), st.sampled_from([RIGHT, NOTHING, "Harbor Kettle."]))
def test_a_right_text_is_above_one_error_and_that_above_three(kinds, text):
    sentences = [ERRORS[kind] for kind in kinds]
    right, one = score(text).score, score(f"{text} {sentences[0]}").score
    distinct = {kind.split(" ")[0] for kind in kinds[1:4]}
    if len(distinct) == 3:
        assert right > one > score(" ".join([text, *sentences[1:4]])).score


@given(st.sets(st.sampled_from(sorted(ERRORS))), st.sets(st.sampled_from(sorted(ERRORS))))
def test_fewer_contradictions_are_a_higher_score_whatever_is_covered(some, others):
    """The poorest text with the fewer errors against the richest with the more."""
    first = score(" ".join([NOTHING, *(ERRORS[kind] for kind in sorted(some))]))
    second = score(" ".join([RIGHT, *(ERRORS[kind] for kind in sorted(others))]))
    if len(first.contradictions) < len(second.contradictions):
        assert first.score > second.score
    assert 0 < second.score <= 1


def test_of_right_texts_the_one_that_says_more_is_higher():
    scores = [score(text) for text in (NOTHING, "Harbor Kettle.", "Harbor Kettle, $1,299.00.", RIGHT)]
    assert [each.stated for each in scores[:3]] == [(), ("NAME",), ("NAME", "PRICE")]
    assert [each.score for each in scores] == sorted(each.score for each in scores)
    assert len({each.score for each in scores}) == 4
    assert scores[0].score == 1 - COVERED


def test_a_denied_fact_is_not_stated():
    assert "FEATURE" in score("Rapid boil.").stated
    assert "FEATURE" not in score("Without rapid boil.").stated


def test_without_rivals_lists_and_figures_still_hold():
    assert [each.kind for each in consistency("In green for $5.00. By Ostrava.", KETTLE).contradictions] == [
        "unbacked",
        "unbacked",
    ]


def test_a_brand_of_one_word_that_begins_a_sentence_is_a_word_while_the_product_is_named():
    rivals = rivals_of([KETTLE, Product(**{**_fields(PAN), "brand": "Glow"})])
    assert score("Glow all day, Harbor Kettle.", rivals=rivals).contradictions == ()
    assert [each.what for each in score("Harbor Kettle by Glow.", rivals=rivals).contradictions] == ["Glow"]
    assert [each.what for each in score("Glow all day.", rivals=rivals).contradictions] == ["Glow"]


def test_an_error_within_a_longer_one_counts_once():
    lining = Product(**{**_fields(PAN), "features": ["Organic cotton lining"]})
    found = score("With organic cotton lining.", rivals=rivals_of([lining])).contradictions
    assert [each.what for each in found] == ["organic cotton lining"]


def _fields(product):
    return {name: getattr(product, name) for name in product.__struct_fields__}
