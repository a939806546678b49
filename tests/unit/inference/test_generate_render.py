import pytest

from inference.generate.render import compile_text, render, slots_in
from inference.generate.slots import SLOTS, offered


def test_a_text_is_filled_with_the_values_of_its_slots():
    parts = compile_text("{NAME}, now {PRICE}.")
    assert render(parts, {"NAME": "Kettle", "PRICE": "$9.00", "COLOR": "teal"}) == "Kettle, now $9.00."
    assert render(parts, {"NAME": "Kettle", "PRICE": "$8.00"}) == "Kettle, now $8.00."


def test_a_slot_without_a_value_fills_nothing():
    parts = compile_text("{NAME}, now {PRICE}.")
    assert render(parts, {"NAME": "Kettle"}) is None
    assert render(parts, {"NAME": "Kettle", "PRICE": ""}) is None


def test_a_value_is_never_read_as_a_slot():
    assert render(compile_text("{NAME}."), {"NAME": "{PRICE}", "PRICE": "$9.00"}) == "{PRICE}."


def test_a_text_without_slots_stays_as_it_is():
    assert render(compile_text("Take a look."), {}) == "Take a look."


def test_unknown_slots_are_seen():
    assert slots_in("{NAME} {COLOUR} {name} {FEATURE2}") == {"NAME", "COLOUR", "FEATURE2"}


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot != "NAME"])
def test_a_fact_is_offered_while_it_leaves_room(slot):
    name = "n" * 20
    assert slot in offered({"NAME": name, slot: "x" * 40}, 120)
    assert slot not in offered({"NAME": name, slot: "x" * 41}, 120)
    assert slot not in offered({"NAME": name, slot: ""}, 120)


def test_the_name_is_offered_whatever_its_length_and_the_unknown_never():
    assert offered({"NAME": "x" * 200, "WAS": "$20"}, 120) == {"NAME"}


ARTICLES = {
    "Orange Lamp": "an",
    "Lamp": "a",
    "hour glass": "an",
    "Unicorn Lamp": "a",
    "Umbrella": "an",
    "USB Hub": "a",
    "UV Filter": "a",
    "Urn": "an",
    "MP3 Player": "an",
    "LED Strip": "an",
    "TV": "a",
    "X-ray Lamp": "an",
    "8-piece Set": "an",
    "11-inch Pan": "an",
    "18 V Drill": "an",
    "1-litre Jug": "a",
    "180 g Pack": "a",
    "One-piece": "a",
    "Euro Pillow": "a",
}


@pytest.mark.parametrize(("name", "article"), ARTICLES.items())
def test_the_article_is_the_one_that_is_spoken(name, article):
    for written in ("a", "an"):
        assert render(compile_text(f"Take {written} {{NAME}}."), {"NAME": name}) == f"Take {article} {name}."
    assert render(compile_text("A {NAME}."), {"NAME": name}) == f"{article.capitalize()} {name}."


def test_what_only_ends_like_an_article_is_left_alone():
    assert render(compile_text("Bananza {NAME}."), {"NAME": "Orange"}) == "Bananza Orange."


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        ("{COLOR} it is.", {"COLOR": "teal"}, "Teal it is."),
        ("Now! {MATERIAL}, too.", {"MATERIAL": "oak"}, "Now! Oak, too."),
        ("In {COLOR}.", {"COLOR": "Navy Blue"}, "In navy blue."),
        ("In {COLOR}.", {"COLOR": "Black/White"}, "In Black/White."),
        ("In {COLOR}.", {"COLOR": "Zorbian Mist"}, "In Zorbian Mist."),
        ("Of {MATERIAL}.", {"MATERIAL": "Brushed Steel"}, "Of brushed steel."),
        ("By {BRAND}.", {"BRAND": "Oak"}, "By Oak."),
        ("{NAME} is here.", {"NAME": "iPhone"}, "iPhone is here."),
        ("{FEATURE}. {FEATURE2}.", {"FEATURE": "a lid", "FEATURE2": "no lid"}, "A lid. No lid."),
    ],
)
def test_capitals_are_those_of_the_place(text, values, shown):
    assert render(compile_text(text), values) == shown
