"""A text belongs to its product."""

import pytest

from inference.generate.record import record_of
from inference.generate.relevance import foreign, misplaced, neighbours_of
from schemas.catalog import Product


def _product(name, category="kitchen", **more):
    return Product(product_id=name, name=name, category=category, price_minor=100, currency="USD", **more)


KETTLE = _product("Harbor Kettle", brand="Norrvik Works", features=["Rapid boil"])
BOOTS = _product("Trail Boots", "footwear", features=["Taped seams", "for you"])
LONG = _product("Harbor Kettle Deluxe Edition")
CATALOGUE = neighbours_of([KETTLE, BOOTS, LONG, _product("Glow")])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Pair Harbor Kettle with trail boots.", "trail boots"),
        ("Harbor Kettle has taped seams.", "taped seams"),
        ("Harbor Kettle Deluxe Edition, $1.00.", "harbor kettle deluxe edition"),
    ],
)
def test_a_fact_of_another_product(text, value):
    (finding,) = foreign(text, record_of(KETTLE), CATALOGUE)
    assert finding.code.value == "copy_irrelevant"
    assert finding.what == f"'{value}' is another product's"


@pytest.mark.parametrize(
    "text",
    [
        "Harbor Kettle from Norrvik Works: rapid boil.",
        "Norrvik Works Harbor Kettle.",
        "A glow on the stove for you: Harbor Kettle.",
        "Hit the trail. Boots on. Harbor Kettle.",
    ],
)
def test_its_own_facts_and_ordinary_words(text):
    assert foreign(text, record_of(KETTLE), CATALOGUE) == ()


def test_a_name_that_another_name_begins_with_is_its_own():
    assert foreign("Harbor Kettle Deluxe Edition.", record_of(LONG), CATALOGUE) == ()


KINDS = {"kitchen": ("kitchen", "kettle"), "footwear": ("footwear", "shoe"), "any": ()}


@pytest.mark.parametrize(
    "text", ["{NAME} {IS} kind to your toes.", "Good for every puppy: {NAME}.", "Guitars down. {NAME}."]
)
def test_words_of_another_kind_of_goods(text):
    found = misplaced(text, "Kettles & more", record_of(_product("Harbor Pot")), KINDS)
    assert [finding.code.value for finding in found] == ["copy_irrelevant"]


def test_words_of_its_own_kind():
    boots = _product("Trail Boots", "Women's shoes")
    assert misplaced("{NAME} {IS} kind to your toes.", "Women's shoes", record_of(boots), KINDS) == ()


def test_a_word_of_the_record_is_never_out_of_place():
    gadget = _product("Puppy Cam", "electronics")
    assert misplaced("For every puppy: {NAME}.", "electronics", record_of(gadget), KINDS) == ()
    unknown = _product("Comfort Insole", "Bits and pieces")
    assert misplaced("Your toes will know: {NAME}.", "Bits and pieces", record_of(unknown), KINDS) == ()


def test_facts_in_slots_are_not_read_as_words():
    assert misplaced("{NAME}: {FEATURE}.", "kitchen", record_of(KETTLE), KINDS) == ()


TELLTALES = {"supper": ("kitchen",), "lawn": ("garden", "tools")}


@pytest.mark.parametrize(
    ("category", "name", "found"),
    [
        ("kitchen", "Harbor Pot", 1),
        ("Garden furniture", "Ridge Bench", 0),
        # Nothing is known of the kind: only what fits every product does.
        ("Bits and pieces", "Ridge Thing", 1),
        # The name says what the category does not.
        ("Sale", "Ridge garden lamp", 0),
        ("Sale", "Lawn feed", 0),
    ],
)
def test_a_word_that_only_some_categories_taught(category, name, found):
    kinds = {**KINDS, "garden": ("garden",)}
    product = _product(name, category)
    faults = misplaced("Before the lawn wakes up: {NAME}.", category, record_of(product), kinds, TELLTALES, name)
    assert len(faults) == found
    assert misplaced("Supper is on. {NAME}.", "kitchen", record_of(KETTLE), KINDS, TELLTALES) == ()
